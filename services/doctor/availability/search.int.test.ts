import { type Database, openDatabase } from '../../shared/db/database.ts';
import { addDoctor, aSchedule, dateIn, everyDay, problemOf, reserve } from '../../testing/calendar.ts';
import { allPages } from '../../testing/pages.ts';
import { startDoctor, type TestService } from '../../testing/services.ts';
import { searchSlots } from './search.ts';

const HOUR_MS = 3_600_000;
const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';
const day = dateIn(7);

let t: TestService;
let db: Database;
beforeAll(async () => {
  t = await startDoctor();
  db = openDatabase({ url: t.databaseUrl, poolMax: 2, constraints: {}, onIdleError: () => undefined });
});
afterAll(async () => {
  await db.close();
  await t.stop();
});

interface Item {
  doctorId: string;
  doctorName: string;
  specialties: string[];
  startsAt: string;
  endsAt: string;
}

type Query = Record<string, unknown>;

const ask = (query: Query) => t.api.get('/availability').query(query);

const walk = (query: Query, limit: number) => allPages<Item>(t, '/availability', limit, query);

const shown = (items: readonly Item[]): string[] =>
  items.map(({ doctorName, startsAt }) => `${startsAt.slice(0, 16)} ${doctorName}`);

describe('GET /availability', () => {
  describe('filters', () => {
    const query = { from: `${day}T00:00:00Z`, to: `${day}T10:00:00Z`, durationMinutes: 30 };
    const ids: Record<string, string> = {};
    const filtered = async (filter: Query): Promise<string[]> => {
      const items = await walk({ ...query, ...filter }, 200);
      return [...new Set(items.map(({ doctorName }) => doctorName))].sort();
    };

    beforeAll(async () => {
      const schedule = aSchedule({ weeklyHours: everyDay('09:00', '10:00') });
      const add = async (name: string, specialties: string[], languages: string[]) => {
        ids[name] = await addDoctor(
          t,
          { givenName: 'F', familyName: name, specialties, languages },
          schedule,
        );
      };
      await add('One', ['Filter Pädiatrie'], ['pt-BR']);
      await add('Two', ['Filter Chirurgie', 'Filter Pädiatrie'], ['de']);
      await add('Three', ['Filter Chirurgie'], ['pt', 'de-AT']);
      await addDoctor(t, { familyName: 'Unscheduled', specialties: ['Filter Chirurgie'] });
    });

    test.each([
      [{ specialty: 'filter PADIATRIE' }, ['F One', 'F Two']],
      [{ specialty: ['filter pädiatrie', 'filter chirurgie'] }, ['F One', 'F Three', 'F Two']],
      [{ specialty: 'Filter' }, []],
      [{ language: 'pt', specialty: ['filter pädiatrie', 'filter chirurgie'] }, ['F One', 'F Three']],
      [{ language: ['pt-br', 'de'], specialty: 'filter chirurgie' }, ['F Three', 'F Two']],
    ])('any of the values of a parameter, all parameters: %j', async (filter, expected) => {
      expect(await filtered(filter)).toEqual(expected);
    });

    test('doctorId, with any other parameter; an unknown one finds nothing', async () => {
      expect(await filtered({ doctorId: ids.One })).toEqual(['F One']);
      expect(await filtered({ doctorId: [ids.One?.toUpperCase(), ids.Three, UNKNOWN] })).toEqual([
        'F One',
        'F Three',
      ]);
      expect(await filtered({ doctorId: [ids.One, ids.Three], language: 'de' })).toEqual(['F Three']);
      expect(await filtered({ doctorId: UNKNOWN })).toEqual([]);
    });

    test('the earliest first, ties by doctorId, with name and specialties', async () => {
      const { body } = await ask({ ...query, specialty: 'filter pädiatrie', limit: 3 }).expect(200);
      const [first, second] = [ids.One, ids.Two].sort();
      expect(body.items.map(({ doctorId }: Item) => doctorId)).toEqual([first, second, first]);
      expect(body.items.find(({ doctorId }: Item) => doctorId === ids.Two)).toEqual({
        doctorId: ids.Two,
        doctorName: 'F Two',
        specialties: ['Filter Chirurgie', 'Filter Pädiatrie'],
        startsAt: `${day}T09:00:00.000Z`,
        endsAt: `${day}T09:30:00.000Z`,
      });
      expect(body.nextCursor).toEqual(expect.any(String));
    });

    test('reserved time is not offered', async () => {
      await reserve(t, ids.One ?? '', `${day}T09:00:00Z`, `${day}T09:30:00Z`);
      expect(shown(await walk({ ...query, doctorId: ids.One }, 200))).toEqual([`${day}T09:30 F One`]);
    });

    test('422 for the cursor of another question, of another list, or of none', async () => {
      const { body } = await ask({ ...query, limit: 1 }).expect(200);
      const cursor = body.nextCursor;
      await ask({ ...query, limit: 2, cursor }).expect(200);
      const { body: doctors } = await t.api.get('/doctors?limit=1').expect(200);
      for (const answer of [
        await ask({ ...query, durationMinutes: 15, cursor }),
        await ask({ ...query, language: 'de', cursor }),
        await ask({ ...query, cursor: doctors.nextCursor }),
        await ask({ ...query, cursor: 'next' }),
      ])
        expect(problemOf(answer)).toBe('422 invalid-request cursor');
    });

    test.each([
      [{ durationMinutes: undefined }, 'durationMinutes'],
      [{ from: undefined, to: undefined }, 'from, to'],
      [{ to: query.from }, 'to'],
      [{ to: `${dateIn(70)}T00:00:00Z` }, 'to'],
      [{ doctorId: ['me', UNKNOWN] }, 'doctorId'],
      [{ language: 'de_DE' }, 'language'],
      [{ specialty: '' }, 'specialty'],
      [{ limit: 201 }, 'limit'],
      [{ limit: [1, 2] }, 'limit'],
      [{ speciality: 'Cardiology' }, 'speciality'],
    ])('422 for %j', async (parameters, expected) => {
      const given = Object.fromEntries(
        Object.entries({ ...query, ...parameters }).filter(([, value]) => value !== undefined),
      );
      expect(problemOf(await ask(given))).toBe(`422 invalid-request ${expected}`);
    });
  });

  test('asks the database as often for many doctors as for a few', async () => {
    const schedule = aSchedule({ weeklyHours: everyDay('09:00', '17:00') });
    const asked = async (specialty: string): Promise<string[]> => {
      const names: string[] = [];
      const counting = {
        query: ((statement, args) => {
          names.push(statement.name);
          return db.query(statement, args);
        }) as Database['query'],
      };
      const filter = { doctorIds: undefined, specialtyKeys: [specialty], languageKeys: undefined };
      const search = {
        ...filter,
        from: `${day}T08:00:00Z`,
        to: `${dateIn(60)}T00:00:00Z`,
        durationMinutes: 30,
      };
      expect(await searchSlots(db, search, undefined, 8)).toHaveLength(8);
      await searchSlots(counting, search, undefined, 8);
      return names;
    };
    const few = await addDoctor(t, { specialties: ['few'] }, schedule);
    await t.db.query(
      `with added as (
         insert into doctors (id, given_name, family_name, name_key, specialties, specialty_keys, time_zone)
         select gen_random_uuid(), 'M', n::text, 'm', '{many}', '{many}', 'UTC' from generate_series(1, 80) as n
         returning id
       )
       insert into schedules (doctor_id, weekly_hours, time_zone, slot_minutes, buffer_minutes, minimum_notice_minutes, horizon_days)
       select added.id, weekly_hours, time_zone, slot_minutes, buffer_minutes, minimum_notice_minutes, horizon_days
         from added, schedules where doctor_id = $1`,
      [few],
    );
    expect(await asked('few')).toEqual(['calendar.list/specialtyKeys', 'reservations.list_busy']);
    expect(await asked('many')).toEqual(['calendar.list/specialtyKeys', 'reservations.list_busy']);
  });

  test('has a slot that starts where a stretch ends once, and none that ends after `to`', async () => {
    const schedule = aSchedule({ weeklyHours: everyDay('00:00', '24:00'), slotMinutes: 60 });
    const doctorId = await addDoctor(t, {}, schedule);
    const query = { from: `${day}T00:00:00Z`, to: `${dateIn(10)}T23:30:00Z`, durationMinutes: 60, doctorId };
    const items = await walk(query, 200);
    const starts = Array.from({ length: 4 * 24 - 1 }, (_, hour) => Date.parse(day) + hour * HOUR_MS);
    expect(items.map(({ startsAt }) => Date.parse(startsAt))).toEqual(starts);
  });

  test.each([
    'tstzrange(now(), null)',
    'tstzrange(null, now())',
    "tstzrange(now(), now() + interval '16 hours 1 second')",
  ])('no time is taken that the search could overlook: %s', async (during) => {
    const insert = t.db.query(
      `insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, during)
       values (gen_random_uuid(), 1, 'active', $1, now(), now(), ${during})`,
      [UNKNOWN],
    );
    await expect(insert).rejects.toMatchObject({ constraint: 'reservations_end_in_time' });
  });

  test('the longest visit with the longest buffer is seen until its end', async () => {
    const schedule = aSchedule({ weeklyHours: everyDay('00:00', '24:00'), slotMinutes: 5 });
    const id = await addDoctor(t, {}, schedule);
    await t.db.query(
      `insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, during)
       select gen_random_uuid(), 1, 'active', $1, e - interval '16 hours', e - interval '4 hours', tstzrange(e - interval '16 hours', e)
         from (values ($2::timestamptz)) as ended (e)`,
      [id, `${day}T08:00:00Z`],
    );
    const query = { from: `${day}T07:55:00Z`, to: `${day}T08:05:00Z`, durationMinutes: 5, doctorId: id };
    expect(shown(await walk(query, 200))).toEqual([`${day}T08:00 Ada Example`]);
  });

  test('looks further when everybody is booked out, and finds nothing in the past', async () => {
    const id = await addDoctor(t, { specialties: ['Booked out'] }, aSchedule());
    await t.db.query(
      `insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, during)
       select gen_random_uuid(), 1, 'active', $1, s, s + interval '12 hours', tstzrange(s, s + interval '12 hours')
         from generate_series($2::timestamptz, $2::timestamptz + interval '39.5 days', interval '12 hours') as s`,
      [id, `${dateIn(-10)}T00:00:00Z`],
    );
    const query = {
      specialty: 'booked out',
      from: `${dateIn(-20)}T00:00:00Z`,
      to: `${dateIn(40)}T00:00:00Z`,
      durationMinutes: 30,
      limit: 1,
    };
    const { body } = await ask(query).expect(200);
    expect(shown(body.items)).toEqual([`${dateIn(30)}T09:00 Ada Example`]);
  });
});
