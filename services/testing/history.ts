import { v7 as uuidv7 } from 'uuid';
import { addPatient } from './people.ts';
import type { TestService } from './service.ts';

type Members = Readonly<Record<string, unknown>>;

/** The body of an entry. */
export const note = { kind: 'note', description: 'A note', occurredAt: '2020' };

/** The history of a new patient, and the ways to write and read it. */
export async function newHistory({ api, db }: Pick<TestService, 'api' | 'db'>) {
  const patientId = await addPatient({ api });
  const path = `/patients/${patientId}/history`;
  const timeline = async (query = ''): Promise<Record<string, unknown>[]> =>
    (await api.get(`${path}${query}`).expect(200)).body.items;
  return {
    patientId,
    path,
    timeline,
    /** What each entry and visit of the timeline says. */
    descriptions: async (query = '') => (await timeline(query)).map(({ description }) => description),
    /** Adds an entry through the API; returns its id. */
    record: async (members: Members = {}): Promise<string> =>
      (
        await api
          .post(path)
          .send({ ...note, ...members })
          .expect(201)
      ).body.id,
    /** An appointment of half an hour, completed unless told otherwise, made behind the API. */
    seedAppointment: (members: Members = {}) => seedAppointment(db, { patientId, ...members }),
  };
}

export type History = Awaited<ReturnType<typeof newHistory>>;

async function seedAppointment(db: TestService['db'], members: Members): Promise<string> {
  const {
    patientId,
    doctorId = uuidv7(),
    startsAt = '2026-01-05T09:00:00Z',
    status = 'fulfilled',
    reason = null,
  } = members;
  const { rows } = await db.query(
    `insert into appointments (id, patient_id, doctor_id, starts_at, ends_at, status, reason, notes, answered_revision, next_try_at)
     values ($1, $2, $3, $4, $4::timestamptz + interval '30 minutes', $5, $6, 'secret notes', 1, now()) returning id`,
    [uuidv7(), patientId, doctorId, startsAt, status, reason],
  );
  return rows[0].id;
}
