import { edits, type Mutant } from './mutant.ts';

const doctor = (name: string): string => `services/doctor/${name}`;
const [RESERVE, RELEASE, STORE] = ['reserve', 'release', 'store'].map((file) =>
  doctor(`reservations/${file}.ts`),
) as [string, string, string];
const RESERVATIONS = 'reservations/reserve.int';
const RACES = 'reservations/reserve-races';
const CALENDAR_RACES = ['doctor/schedules/', 'doctors/remove', RACES];
const EXCLUSIVE = `    await lockCalendar(tx, doctorId, 'exclusive');\n`;

const one = edits(RESERVATIONS);

/** The answers of the doctor service, and the time that they give away. */
const answers: readonly Mutant[] = [
  one(
    'no tombstone: a release stores no row',
    RELEASE,
    '    await insertReleased(tx, appointmentId, revision);\n',
    '',
  ),
  one(
    'a release frees no older revision',
    RELEASE,
    '    await releaseOlder(tx, appointmentId, revision);\n',
    '',
  ),
  one('a release older than the newest revision', RELEASE, 'newest.revision > revision', 'false'),
  one('refusals are not stored', RESERVE, 'insertRefused(tx.last, wanted, reason)', 'undefined'),
  one(
    'an older revision than the newest is decided',
    RESERVE,
    'newest.revision >= wanted.revision',
    'newest.revision === wanted.revision',
  ),
  one(
    'an older revision than the newest gets its answer',
    RESERVE,
    'newest.revision > wanted.revision',
    'false',
  ),
  one('a replay may have other content', RESERVE, 'if (!sameContent || ', 'if ('),
  one(
    'a granted reschedule keeps the old time',
    RESERVE,
    `  if (!isFirst) await releaseOlder(tx.last, wanted.appointmentId, wanted.revision);\n`,
    '',
  ),
  one(
    'a plain insert of a reservation, which raises',
    STORE,
    '     on conflict do nothing\n     returning revision',
    '     returning revision',
  ),
  one('slot-taken is not stored', STORE, ' where not exists (select from taken)', ' where false'),
  one(
    'reservations end after a quarter of an hour',
    RESERVE,
    '    lockAppointment(tx, wanted.appointmentId),\n',
    `      lockAppointment(tx, wanted.appointmentId).then(() =>
        tx.query({ name: 'mutant', text: "update reservations set state = 'released' where doctor_id = $1 and state = 'active' and created_at < now() - interval '15 minutes'" }, [wanted.doctorId])),\n`,
  ),
];

const locks: readonly Mutant[] = [
  one(
    'no lock of the appointment in reserve',
    RESERVE,
    '    lockAppointment(tx, wanted.appointmentId),\n',
    '      undefined,\n',
    RACES,
  ),
  one(
    'no lock of the appointment in release',
    RELEASE,
    'lockAppointment(tx, appointmentId)',
    'undefined',
    RACES,
  ),
  one(
    'no lock of the calendar in reserve',
    RESERVE,
    `    lockCalendar(tx, wanted.doctorId, 'shared'),\n`,
    '      undefined,\n',
    ...CALENDAR_RACES,
  ),
  one(
    'the calendar is read before it is locked',
    RESERVE,
    `    lockCalendar(tx, wanted.doctorId, 'shared'),
    findCalendar(tx, wanted.doctorId, wanted.startsAt, wanted.endsAt),
  ]);`,
    `    undefined,
    findCalendar(tx, wanted.doctorId, wanted.startsAt, wanted.endsAt),
  ]);
  await lockCalendar(tx, wanted.doctorId, 'shared');`,
    ...CALENDAR_RACES,
  ),
  one('no lock of the calendar for a schedule', doctor('schedules/put.ts'), EXCLUSIVE, '', ...CALENDAR_RACES),
  one(
    'no lock of the calendar for a new exception',
    doctor('schedules/add-exception.ts'),
    EXCLUSIVE.slice(2),
    '',
    ...CALENDAR_RACES,
  ),
  one(
    'no lock of the calendar for the end of an exception',
    doctor('schedules/remove-exception.ts'),
    EXCLUSIVE,
    '',
    ...CALENDAR_RACES,
  ),
  one(
    'no lock of the calendar for the deletion of a doctor',
    doctor('doctors/delete.ts'),
    EXCLUSIVE,
    '',
    ...CALENDAR_RACES,
  ),
];

const OFFERED = ['doctor/availability/'];
const REFUSALS = 'reservations/refusals';
const ruleless = (calendar: string, rule: string) =>
  `{ ...${calendar}, schedule: ${calendar}.schedule && { ...${calendar}.schedule, ${rule}: 0 } }`;
const LIST = doctor('availability/routes.ts');
const SEARCH = doctor('availability/search.ts');

/** Offered means bookable: each is another function than the one that decides. */
const offers: readonly Mutant[] = [
  { rule: 'bufferMinutes', searched: 'freeOf(doctor.calendar, slots' },
  { rule: 'minimumNoticeMinutes', searched: 'openSlots(doctor.calendar, now' },
]
  .flatMap(({ rule, searched }) => [
    one(
      `a doctor’s slots without ${rule}`,
      LIST,
      'offeredSlots(calendar, reserved',
      `offeredSlots(${ruleless('calendar', rule)}, reserved`,
      ...OFFERED,
    ),
    one(
      `the search for slots without ${rule}`,
      SEARCH,
      searched,
      searched.replace('doctor.calendar', ruleless('doctor.calendar', rule)),
      ...OFFERED,
    ),
    one(
      `reservations without ${rule}`,
      RESERVE,
      'judge(found.calendar, []',
      `judge(${ruleless('found.calendar', rule)}, []`,
      REFUSALS,
    ),
  ])
  .filter(({ name }) => name !== 'reservations without bufferMinutes');

const buffer = one(
  'the buffer is not reserved',
  RESERVE,
  'found?.calendar.schedule?.bufferMinutes ?? 0',
  '0',
  REFUSALS,
);

export const reservationMutants: readonly Mutant[] = [...answers, ...locks, ...offers, buffer];
