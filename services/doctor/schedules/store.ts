import type { Db } from '../../shared/db/database.ts';
import { defineList } from '../../shared/db/list.ts';
import { instantText, lookup, sql } from '../../shared/db/statement.ts';
import type { Representation } from '../../shared/http/answer.ts';
import { notFound } from '../../shared/problem/problem.ts';
import type { Exception } from './exception.ts';
import type { Schedule } from './schedule.ts';

/** The columns of a schedule `s`, by the members of `Schedule` that they hold. */
const RULES = {
  weeklyHours: 's.weekly_hours',
  timeZone: 's.time_zone',
  slotMinutes: 's.slot_minutes',
  bufferMinutes: 's.buffer_minutes',
  minimumNoticeMinutes: 's.minimum_notice_minutes',
  horizonDays: 's.horizon_days',
  validFrom: 's.valid_from',
  validUntil: 's.valid_until',
};
const members = Object.entries(RULES)
  .map(([member, column]) => `'${member}', ${column}`)
  .join(', ');
const columns = Object.entries(RULES)
  .map(([member, column]) => `${column} as "${member}"`)
  .join(', ');

/** A schedule as it leaves. */
const SCHEDULE = `s.doctor_id as id, s.version, json_strip_nulls(json_build_object(
  'doctorId', s.doctor_id, ${members},
  'version', s.version,
  'createdAt', ${instantText('s.created_at')},
  'updatedAt', ${instantText('s.updated_at')}))::text as json`;

const FIND = lookup<[doctorId: string], Representation>(
  'schedules.find',
  `select ${SCHEDULE}
     from schedules s join doctors d on d.id = s.doctor_id
    where s.doctor_id = $1 and d.deleted_at is null`,
);

export async function findSchedule(db: Db, doctorId: string): Promise<Representation | undefined> {
  const [row] = await db.query(FIND, [doctorId]);
  return row;
}

/** @throws not-found for an unknown or deleted doctor, or one without a schedule */
export async function getSchedule(db: Db, doctorId: string): Promise<Representation> {
  const schedule = await findSchedule(db, doctorId);
  if (schedule === undefined) throw notFound('There is no such doctor, or no schedule yet.');
  return schedule;
}

const SET = sql<
  [
    doctorId: string,
    weeklyHours: string,
    timeZone: string,
    slotMinutes: number,
    bufferMinutes: number,
    minimumNoticeMinutes: number,
    horizonDays: number,
    validFrom: string | undefined,
    validUntil: string | undefined,
  ],
  Representation
>(
  'schedules.set',
  `insert into schedules as s (doctor_id, weekly_hours, time_zone, slot_minutes, buffer_minutes, minimum_notice_minutes,
                               horizon_days, valid_from, valid_until)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
   on conflict on constraint schedules_pkey do update
     set weekly_hours = excluded.weekly_hours, time_zone = excluded.time_zone, slot_minutes = excluded.slot_minutes,
         buffer_minutes = excluded.buffer_minutes, minimum_notice_minutes = excluded.minimum_notice_minutes,
         horizon_days = excluded.horizon_days, valid_from = excluded.valid_from, valid_until = excluded.valid_until,
         version = s.version + 1, updated_at = now()
   returning ${SCHEDULE}`,
);

/** The doctor's first schedule, or the one in place of the present one. */
export async function setSchedule(tx: Db, doctorId: string, schedule: Schedule): Promise<Representation> {
  const [row] = await tx.query(SET, [
    doctorId,
    JSON.stringify(schedule.weeklyHours),
    schedule.timeZone,
    schedule.slotMinutes,
    schedule.bufferMinutes,
    schedule.minimumNoticeMinutes,
    schedule.horizonDays,
    schedule.validFrom,
    schedule.validUntil,
  ]);
  if (row === undefined) throw new Error('An upsert returned no row');
  return row;
}

const LOCAL = `'YYYY-MM-DD"T"HH24:MI'`;

/** What an exception `e` says, as `Exception` names it. */
const CHANGE = `'kind', e.kind, 'from', to_char(e.from_local, ${LOCAL}), 'to', to_char(e.to_local, ${LOCAL})`;

/** An exception as it leaves. It never changes. */
const EXCEPTION = `json_strip_nulls(json_build_object(
  'id', e.id, 'doctorId', e.doctor_id, ${CHANGE}, 'reason', e.reason, 'createdAt', ${instantText('e.created_at')}))::text`;

const INSERT_EXCEPTION = sql<
  [id: string, doctorId: string, kind: string, from: string, to: string, reason: string | undefined],
  Representation
>(
  'exceptions.insert',
  `insert into exceptions as e (id, doctor_id, kind, from_local, to_local, reason)
   values ($1, $2, $3, $4, $5, $6)
   returning e.id, 1 as version, ${EXCEPTION} as json`,
);

export async function insertException(
  tx: Db,
  id: string,
  doctorId: string,
  { kind, from, to, reason }: Exception,
): Promise<Representation> {
  return only(await tx.query(INSERT_EXCEPTION, [id, doctorId, kind, from, to, reason]));
}

const FIND_EXCEPTION = lookup<[doctorId: string, id: string], Representation>(
  'exceptions.find',
  `select e.id, 1 as version, ${EXCEPTION} as json
     from exceptions e join doctors d on d.id = e.doctor_id
    where e.doctor_id = $1 and e.id = $2 and d.deleted_at is null`,
);

/** @throws not-found */
export async function getException(db: Db, doctorId: string, id: string): Promise<Representation> {
  return only(await db.query(FIND_EXCEPTION, [doctorId, id]));
}

const DELETE_EXCEPTION = sql<[id: string]>('exceptions.delete', 'delete from exceptions where id = $1');

export async function deleteException(tx: Db, id: string): Promise<void> {
  await tx.query(DELETE_EXCEPTION, [id]);
}

function only<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw notFound('There is no such exception.');
  return row;
}

/** A doctor's exceptions by their start; `from` and `to` are local, and both ends of an exception are compared with them. */
export const exceptionList = defineList({
  name: 'exceptions.list',
  json: EXCEPTION,
  from: 'from exceptions e',
  id: 'e.id',
  filters: {
    doctorId: 'e.doctor_id = ?::uuid',
    from: 'e.to_local > ?::timestamp',
    to: 'e.from_local < ?::timestamp',
  },
  orders: { from: { expression: 'e.from_local', type: 'timestamp' } },
});

/** What decides when a doctor is open, as far as a stretch of time needs it. */
interface StoredCalendar {
  schedule: Schedule | undefined;
  exceptions: readonly Exception[];
}

type RuleColumns = Omit<Schedule, 'validFrom' | 'validUntil'> & {
  validFrom: string | null;
  validUntil: string | null;
};

// Columns and not the JSON of a schedule: that would take twice the time, and a search reads all doctors.
const scheduleOf = ({ validFrom, validUntil, ...rules }: RuleColumns): Schedule => ({
  ...rules,
  ...(validFrom === null ? {} : { validFrom }),
  ...(validUntil === null ? {} : { validUntil }),
});

// Their local times may mean other instants in each zone; none is two days away from UTC.
const exceptionsWithin = (from: string, to: string) => `coalesce((
  select json_agg(json_build_object(${CHANGE}))
    from exceptions e
   where e.doctor_id = d.id
     and e.to_local > (${from}) at time zone 'UTC' - interval '2 days'
     and e.from_local < (${to}) at time zone 'UTC' + interval '2 days'), '[]') as exceptions`;

/** Epoch milliseconds, rounded up, so that the present millisecond has passed. */
const NOW = 'ceil(extract(epoch from now()) * 1000)::bigint as now';

const FIND_CALENDAR = sql<
  [doctorId: string, from: string, to: string],
  { now: number; doctorTimeZone: string; exceptions: Exception[] } & (RuleColumns | { timeZone: null })
>(
  'calendar.find',
  `select ${NOW}, d.time_zone as "doctorTimeZone", ${columns},
          ${exceptionsWithin('$2::timestamptz', '$3::timestamptz')}
     from doctors d left join schedules s on s.doctor_id = d.id
    where d.id = $1 and d.deleted_at is null`,
);

export interface DoctorCalendar {
  /** The database's clock, in epoch milliseconds. */
  now: number;
  /** The schedule's zone, or the doctor's where there is no schedule. */
  timeZone: string;
  calendar: StoredCalendar;
}

/**
 * A doctor's schedule, and the exceptions that may touch these instants.
 * @returns undefined for an unknown or deleted doctor
 */
export async function findCalendar(
  db: Db,
  doctorId: string,
  from: string,
  to: string,
): Promise<DoctorCalendar | undefined> {
  const [row] = await db.query(FIND_CALENDAR, [doctorId, from, to]);
  if (row === undefined) return undefined;
  const { now, doctorTimeZone, exceptions, ...rules } = row;
  const schedule = rules.timeZone === null ? undefined : scheduleOf(rules);
  return { now, timeZone: schedule?.timeZone ?? doctorTimeZone, calendar: { schedule, exceptions } };
}

/** Which doctors: any of the values of a member, of every member that is there. */
export interface DoctorFilter {
  doctorIds: readonly string[] | undefined;
  specialtyKeys: readonly string[] | undefined;
  languageKeys: readonly string[] | undefined;
}

export interface BookableDoctor {
  doctorId: string;
  doctorName: string;
  specialties: readonly string[];
  calendar: StoredCalendar;
}

type CalendarRow = Omit<BookableDoctor, 'calendar'> & { now: number; exceptions: Exception[] } & RuleColumns;

const filters: Readonly<Record<keyof DoctorFilter, string>> = {
  doctorIds: 'd.id = any (?::uuid[])',
  specialtyKeys: 'd.specialty_keys && ?::text[]',
  languageKeys: 'd.language_keys && ?::text[]',
};

type FilterName = keyof DoctorFilter;
const filterNames = Object.keys(filters) as FilterName[];

/** A statement for each combination of filters: with conditions on absent ones it would read all doctors to find one. */
const LIST_CALENDARS = new Map(
  Array.from({ length: 2 ** filterNames.length }, (_, bits) =>
    filterNames.filter((_name, index) => bits & (2 ** index)),
  ).map((given) => [
    given.join(),
    sql<[from: string, to: string, ...(readonly string[])[]], CalendarRow>(
      ['calendar.list', ...given].join('/'),
      `select d.id as "doctorId", d.given_name || ' ' || d.family_name as "doctorName", d.specialties, ${NOW}, ${columns},
          ${exceptionsWithin('greatest($1::timestamptz, now())', '$2::timestamptz')}
     from doctors d join schedules s on s.doctor_id = d.id
    where ${['d.deleted_at is null', ...given.map((name, index) => filters[name].replace('?', `$${index + 3}`))].join(' and ')}`,
    ),
  ]),
);

/**
 * The calendars of all doctors that have a schedule and pass the filter, with the exceptions that may touch these instants from
 * now on. `now` is the database's clock in epoch milliseconds; it comes with the doctors, and not without any.
 */
export async function listCalendars(
  db: Db,
  filter: DoctorFilter,
  from: string,
  to: string,
): Promise<{ now: number | undefined; doctors: BookableDoctor[] }> {
  const given = filterNames.filter((name) => filter[name] !== undefined);
  const statement = LIST_CALENDARS.get(given.join());
  if (statement === undefined) throw new Error(`No statement filters doctors by ${given.join()}`);
  const rows = await db.query(statement, [from, to, ...given.map((name) => filter[name] ?? [])]);
  const doctors = rows.map(({ doctorId, doctorName, specialties, now: _now, exceptions, ...rules }) => ({
    doctorId,
    doctorName,
    specialties,
    calendar: { schedule: scheduleOf(rules), exceptions },
  }));
  return { now: rows[0]?.now, doctors };
}
