import type { ApiClient } from './api-client.ts';

interface Stretch {
  startsAt: string;
  endsAt: string;
}

interface Patient {
  id: string;
  familyName: string;
}

const DAY_MS = 24 * 3_600_000;
const MINUTES = 30;

/**
 * Three calls that work when they are pasted into a shell: the last one books a time that is really offered.
 * Where there is nobody to book for, or with, they make the first patient and the first doctor.
 * @param more what each call has besides, such as a token
 */
export async function callsToTry(api: ApiClient, gateway: string, more = ''): Promise<string[]> {
  const from = new Date(Date.now() + DAY_MS);
  from.setUTCMilliseconds(0);
  const to = new Date(from.getTime() + 14 * DAY_MS);
  const stretch = `from=${from.toISOString()}&to=${to.toISOString()}`;
  const availability = `/availability?${stretch}&durationMinutes=${MINUTES}&limit`;

  const [patient] = await list<Patient>(api, '/patients?sort=-createdAt&limit=1');
  const offers = await list<Stretch & { doctorId: string }>(api, `${availability}=50`);
  const taken =
    patient && (await list<Stretch>(api, `/appointments?patientId=${patient.id}&${stretch}&limit=200`));
  const offer = offers.find((each) => taken?.every((other) => !overlap(each, other)));
  if (!patient || !offer) return firstCalls(gateway, more);
  const { doctorId, startsAt } = offer;
  return [
    `curl '${gateway}/patients?search=${encodeURIComponent(patient.familyName)}'${more}`,
    `curl '${gateway}${availability}=3'${more}`,
    post(`${gateway}/appointments`, more, {
      patientId: patient.id,
      doctorId,
      startsAt,
      durationMinutes: MINUTES,
    }),
  ];
}

async function list<Item>(api: ApiClient, path: string): Promise<Item[]> {
  const { status, body } = await api.get(path);
  if (status !== 200) throw new Error(`GET ${path} was answered ${status}`);
  return (body as { items: Item[] }).items;
}

const overlap = (a: Stretch, b: Stretch): boolean => a.startsAt < b.endsAt && b.startsAt < a.endsAt;

const firstCalls = (gateway: string, more: string): string[] => [
  post(`${gateway}/doctors`, more, {
    givenName: 'Anna',
    familyName: 'Lindqvist',
    specialties: ['general-practice'],
    timeZone: 'Europe/Berlin',
  }),
  post(`${gateway}/patients`, more, { givenName: 'Noël', familyName: 'Beaumont', birthDate: '1996-12-25' }),
  `curl '${gateway}/patients?search=noel'${more}`,
];

const post = (url: string, more: string, body: object): string =>
  `curl -X POST '${url}'${more} -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;
