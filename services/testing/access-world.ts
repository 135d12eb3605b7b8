import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { doctorService } from '../doctor/app.ts';
import { patientService } from '../patient/app.ts';
import { readIssuers } from '../shared/auth/issuers.ts';
import { halfHour, seedDoctor, seedPatient } from './clinic.ts';
import { startTestService, type TestService } from './service.ts';
import { createIssuer, type TestIssuer } from './tokens.ts';

export const ROLES = ['admin', 'receptionist', 'doctor', 'patient', 'service'] as const;
export type Role = (typeof ROLES)[number];

export interface Who {
  patientId: string;
  doctorId: string;
}

/** A patient, a doctor and what they have with each other. */
export interface Pair extends Who {
  /** Booked and settled. */
  appointmentId: string;
  entryId: string;
  exceptionId: string;
  /** A free time of both. */
  free: { startsAt: string; endsAt: string };
}

export interface Sent {
  path: string;
  body?: object;
  type?: string;
  headers?: Readonly<Record<string, string>>;
}

/** Two couples of patient and doctor, and a token for each role. */
export interface People {
  /** Those whom the tokens of the roles doctor and patient name. */
  mine: Pair;
  theirs: Pair;
  seedPair: (who: Who) => Promise<Pair>;
  /** @param claims more of them, or others, than the role needs */
  tokenOf: (role: Role, claims?: Readonly<Record<string, unknown>>) => Promise<string>;
}

/** Both services with `AUTH=jwt`, and people to ask for. */
export interface World extends People {
  issuer: TestIssuer;
  patient: TestService;
  doctor: TestService;
  /** Sends a request of a role, to the patient service unless told otherwise. */
  as: (role: Role, method: string, sent: Sent, service?: TestService) => ReturnType<typeof send>;
  stop: () => Promise<void>;
}

export async function startWorld({ requestsPerSecond = 10_000 } = {}): Promise<World> {
  const folder = mkdtempSync(path.join(tmpdir(), 'access-'));
  const issuer = await createIssuer();
  const file = path.join(folder, 'issuers.json');
  writeFileSync(file, JSON.stringify([issuer.entry]));
  const settings = { auth: { issuers: readIssuers(file, ROLES), denyFile: undefined, requestsPerSecond } };
  const doctorServiceTokenFile = path.join(folder, 'token');
  writeFileSync(doctorServiceTokenFile, await issuer.sign({ role: 'service', sub: 'patient-service' }));
  const doctor = await startTestService(doctorService(), 'doctor', { settings });
  const definition = patientService({ doctorServiceUrl: doctor.url, doctorServiceTokenFile });
  const patient = await startTestService(definition, 'patient', { settings });

  const people = await seedPeople(issuer, { patient, doctor });
  return {
    issuer,
    patient,
    doctor,
    ...people,
    as: async (role, method, sent, service = patient) =>
      send(service, method, sent, await people.tokenOf(role)),
    stop: async () => {
      await patient.stop();
      await doctor.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Whose databases are looked into. */
type Sides = Readonly<Record<'patient' | 'doctor', Pick<TestService, 'db'>>>;

/** Makes both couples behind the API. */
export async function seedPeople(issuer: TestIssuer, sides: Sides): Promise<People> {
  let half = 0;
  const seedPair = (who: Who): Promise<Pair> => {
    half += 2;
    return seedCouple(sides, who, half);
  };
  const someone = async (): Promise<Who> => ({
    patientId: await seedPatient(sides.patient),
    doctorId: await seedDoctor(sides.doctor),
  });
  const mine = await seedPair(await someone());
  const tokenOf: People['tokenOf'] = (role, claims) =>
    issuer.sign({
      role,
      sub: `some ${role}`,
      ...(role === 'doctor' ? { doctor_id: mine.doctorId } : {}),
      ...(role === 'patient' ? { patient_id: mine.patientId } : {}),
      ...claims,
    });
  return { mine, theirs: await seedPair(await someone()), seedPair, tokenOf };
}

/** A booked and settled appointment of the two in the nth half hour, an entry and an exception, behind the API. */
async function seedCouple(
  { patient, doctor }: Sides,
  { patientId, doctorId }: Who,
  half: number,
): Promise<Pair> {
  const [appointmentId, entryId, exceptionId] = [uuidv7(), uuidv7(), uuidv7()];
  const { startsAt, endsAt } = halfHour(half);
  await patient.db.query(
    `insert into appointments (id, patient_id, doctor_id, starts_at, ends_at, status, answered_revision, notes, next_try_at)
     values ($1, $2, $3, $4, $5, 'booked', 1, 'clinical words', now())`,
    [appointmentId, patientId, doctorId, startsAt, endsAt],
  );
  await patient.db.query(
    `insert into appointment_revisions (appointment_id, revision, patient_id, doctor_id, starts_at, ends_at, outcome, holds, keyed)
     values ($1, 1, $2, $3, $4, $5, 'granted', true, false)`,
    [appointmentId, patientId, doctorId, startsAt, endsAt],
  );
  await patient.db.query(
    `insert into history (id, patient_id, kind, description, occurred_at, occurred_from, recorded_by)
     values ($1, $2, 'note', 'Seen', '2026', '2026-01-01Z', 'test')`,
    [entryId, patientId],
  );
  await patient.db.query(
    `insert into patient_versions (patient_id, version, changed_by, patient)
     select id, 1, 'test', json_build_object('id', id, 'familyName', family_name, 'birthDate', birth_date, 'version', 1,
            'createdAt', '2026-01-01T00:00:00.000Z', 'updatedAt', '2026-01-01T00:00:00.000Z')
       from patients where id = $1 on conflict do nothing`,
    [patientId],
  );
  await doctor.db.query(
    `insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, during)
     values ($1, 1, 'active', $2, $3, $4, tstzrange($3, $4))`,
    [appointmentId, doctorId, startsAt, endsAt],
  );
  await doctor.db.query(
    `insert into exceptions (id, doctor_id, kind, from_local, to_local) values ($1, $2, 'open', '2031-01-01', '2031-01-02')`,
    [exceptionId, doctorId],
  );
  return { patientId, doctorId, appointmentId, entryId, exceptionId, free: halfHour(half + 1) };
}

/** Sends a request as it is written. */
export async function send(
  service: Pick<TestService, 'url'>,
  method: string,
  { path: target, body, type, headers = {} }: Sent,
  token?: string,
) {
  const answer = await fetch(`${service.url}${target}`, {
    method,
    headers: {
      ...headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': type ?? 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, text, json: () => JSON.parse(text) as Record<string, unknown> };
}

type Answered = Pick<Awaited<ReturnType<typeof send>>, 'json'>;

/** The items of a list. */
export const itemsOf = (answer: Answered) => answer.json().items as Record<string, unknown>[];

/** The members that a problem is about. */
export const pointersOf = (answer: Answered): unknown[] =>
  ((answer.json().errors ?? []) as { pointer: string }[]).map(({ pointer }) => pointer);
