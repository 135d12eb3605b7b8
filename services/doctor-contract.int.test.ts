import { v7 as uuidv7 } from 'uuid';
import { openDoctorClient, type Wish } from './patient/doctor-client.ts';
import { halfHour, seedDoctor } from './testing/clinic.ts';
import { startScriptedDoctor } from './testing/scripted-doctor.ts';
import { startDoctor } from './testing/services.ts';

interface Subject {
  url: string;
  doctorId: string;
  stop: () => Promise<void>;
}

async function realDoctor(): Promise<Subject> {
  const service = await startDoctor();
  return { ...service, doctorId: await seedDoctor(service) };
}

async function scriptedDoctor(): Promise<Subject> {
  return { ...(await startScriptedDoctor()), doctorId: uuidv7() };
}

describe.each([
  ['the doctor service', realDoctor],
  ['the scripted doctor service', scriptedDoctor],
])('%s', (_name, start) => {
  let subject: Subject;
  let client: ReturnType<typeof openDoctorClient>;
  const unexpected: string[] = [];
  let used = 0;

  beforeAll(async () => {
    subject = await start();
    client = openDoctorClient({
      url: subject.url,
      onAnswer: () => undefined,
      onUnexpected: (what) => unexpected.push(what),
    });
  });
  afterEach(() => {
    expect(unexpected).toEqual([]);
  });
  afterAll(async () => {
    await client.close();
    await subject.stop();
  });

  /** A time that nothing has asked for yet. */
  const freeTime = () => {
    used += 2;
    return { doctorId: subject.doctorId, ...halfHour(used) };
  };
  const ask = (appointmentId: string, revision: number, wanted: Wish['wanted']) =>
    client.ask({ appointmentId, revision, wanted });
  const isFree = async (time: Wish['wanted']) => (await ask(uuidv7(), 1, time)).kind === 'granted';

  const granted = { kind: 'granted' };
  const slotTaken = { kind: 'refused', reason: 'slot-taken' };
  const superseded = { kind: 'contradicted', by: 'superseded' };
  const mismatch = { kind: 'contradicted', by: 'revision-mismatch' };

  test('grants a free time, and the same revision again', async () => {
    const id = uuidv7();
    const time = freeTime();
    expect(await ask(id, 1, time)).toEqual(granted);
    expect(await ask(id, 1, time)).toEqual(granted);
    expect(await isFree(time)).toBe(false);
  });

  test('refuses a taken time, and the same revision again when the time has become free', async () => {
    const [holder, late] = [uuidv7(), uuidv7()];
    const time = freeTime();
    await ask(holder, 1, time);
    expect(await ask(late, 1, time)).toEqual(slotTaken);
    await ask(holder, 2, null);
    expect(await ask(late, 1, time)).toEqual(slotTaken);
    expect(await isFree(time)).toBe(true);
  });

  test('does not bring back the time of an appointment whose release came first', async () => {
    const id = uuidv7();
    const time = freeTime();
    expect(await ask(id, 2, null)).toEqual(granted);
    expect(await ask(id, 1, time)).toEqual(superseded);
    expect(await isFree(time)).toBe(true);
  });

  test('releases, and the same revision again', async () => {
    const id = uuidv7();
    const time = freeTime();
    await ask(id, 1, time);
    expect(await ask(id, 2, null)).toEqual(granted);
    expect(await ask(id, 2, null)).toEqual(granted);
    expect(await ask(id, 1, time)).toEqual(superseded);
    expect(await isFree(time)).toBe(true);
  });

  test('contradicts the same revision for another time, another doctor or none', async () => {
    const id = uuidv7();
    const time = freeTime();
    await ask(id, 1, time);
    expect(await ask(id, 1, freeTime())).toEqual(mismatch);
    expect(await ask(id, 1, { ...time, doctorId: uuidv7() })).toEqual(mismatch);
    expect(await ask(id, 1, null)).toEqual(mismatch);
    expect(await ask(id, 1, time)).toEqual(granted);
  });

  test('contradicts a question for time by a revision that was a release', async () => {
    const id = uuidv7();
    await ask(id, 1, null);
    expect(await ask(id, 1, freeTime())).toEqual(mismatch);
  });

  test('contradicts the release by a revision that was refused', async () => {
    const [holder, refused] = [uuidv7(), uuidv7()];
    const time = freeTime();
    await ask(holder, 1, time);
    await ask(refused, 1, time);
    expect(await ask(refused, 1, null)).toEqual(mismatch);
  });

  test('gives the next revision a time that overlaps the present one, and frees the rest', async () => {
    const id = uuidv7();
    used += 2;
    const [first, second, third] = [halfHour(used), halfHour(used + 1), halfHour(used + 2)];
    used += 2;
    const { doctorId } = subject;
    const longer = { doctorId, startsAt: first.startsAt, endsAt: second.endsAt };
    const later = { doctorId, startsAt: second.startsAt, endsAt: third.endsAt };
    await ask(id, 1, longer);
    expect(await ask(id, 2, later)).toEqual(granted);
    expect(await ask(id, 1, longer)).toEqual(superseded);
    expect(await isFree({ doctorId, ...first })).toBe(true);
    expect(await isFree({ doctorId, ...second })).toBe(false);
    expect(await isFree({ doctorId, ...third })).toBe(false);
  });

  test('keeps the present time of an appointment whose next revision it refuses', async () => {
    const [holder, id] = [uuidv7(), uuidv7()];
    const [taken, present] = [freeTime(), freeTime()];
    await ask(holder, 1, taken);
    await ask(id, 1, present);
    expect(await ask(id, 2, taken)).toEqual(slotTaken);
    expect(await isFree(present)).toBe(false);
    expect(await ask(id, 3, null)).toEqual(granted);
    expect(await isFree(present)).toBe(true);
  });
});
