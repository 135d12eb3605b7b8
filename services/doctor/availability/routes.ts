import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Database } from '../../shared/db/database.ts';
import { okJson, okPage } from '../../shared/http/answer.ts';
import { isTimestamp, pageOf, pageSchema, paging, readCursor } from '../../shared/http/cursor.ts';
import { type Endpoint, endpoint, param } from '../../shared/http/endpoint.ts';
import { notFound } from '../../shared/problem/problem.ts';
import { languageTag, name, uuid } from '../../shared/schema/schema.ts';
import { everyPerson } from '../access.ts';
import { languageKey, specialtyKey } from '../doctors/doctor.ts';
import { findCalendar } from '../schedules/store.ts';
import { offeredSlots } from './availability.ts';
import { busyTimes } from './busy.ts';
import type { Interval } from './interval.ts';
import { type FoundSlot, type Search, searchSlots } from './search.ts';
import { durationMinutes, stretchQuery } from './stretch.ts';

const slot = z.strictObject({ startsAt: z.iso.datetime(), endsAt: z.iso.datetime() });

const availability = z.strictObject({
  doctorId: z.uuid(),
  timeZone: z.string().describe("The schedule's, or the doctor's where there is no schedule"),
  slots: z.array(slot),
});

const foundSlot = z.strictObject({
  doctorId: z.uuid(),
  doctorName: z.string(),
  specialties: z.array(z.string()),
  ...slot.shape,
});

const availabilityQuery = stretchQuery({
  durationMinutes: durationMinutes.optional().describe("The schedule's slotMinutes unless given"),
});

const searchQuery = stretchQuery({
  durationMinutes,
  specialty: z.array(name).optional().describe('Any of them; compared without case and accents'),
  language: z.array(languageTag).optional().describe('Any of them; pt finds pt-BR too'),
  doctorId: z.array(uuid).optional().describe('Any of them'),
  ...paging,
});

const iso = (instant: number): string => new Date(instant).toISOString();

const times = ({ start, end }: Interval) => ({ startsAt: iso(start), endsAt: iso(end) });

const item = (found: FoundSlot) => {
  const { doctorId, doctorName, specialties } = found.doctor;
  const { startsAt, endsAt } = times(found);
  const json = JSON.stringify({ doctorId, doctorName, specialties, startsAt, endsAt });
  return { json, sortKey: startsAt, id: doctorId };
};

/** A page continues the search that it came from, and no other. */
const nameOf = (search: Search): string =>
  createHash('sha256').update(JSON.stringify(search)).digest('base64url').slice(0, 22);

/** Free slots; computed, never stored. */
export const availabilityEndpoints = ({ db }: { db: Database }): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/doctors/:id/availability',
    summary: 'Free slots of a doctor that lie wholly in the stretch',
    access: everyPerson,
    audit: 'none',
    query: availabilityQuery,
    answers: { 200: availability, 404: ['not-found'] },
    handle: async ({ params, query }) => {
      const doctorId = param({ params }, 'id');
      const found = await findCalendar(db, doctorId, query.from, query.to);
      if (found === undefined) throw notFound('There is no such doctor.');
      const { now, timeZone, calendar } = found;
      const within = { start: Date.parse(query.from), end: Date.parse(query.to) };
      const reserved = (await busyTimes(db, [doctorId], within)).get(doctorId) ?? [];
      const minutes = query.durationMinutes ?? calendar.schedule?.slotMinutes ?? 0;
      const slots = offeredSlots(calendar, reserved, now, within, minutes).map(times);
      return okJson(JSON.stringify({ doctorId, timeZone, slots }));
    },
  }),
  endpoint({
    method: 'GET',
    path: '/availability',
    summary: 'Free slots across doctors, the earliest first',
    access: everyPerson,
    audit: 'none',
    query: searchQuery,
    answers: { 200: pageSchema(foundSlot) },
    handle: async ({ query: { doctorId, specialty, language, limit, cursor, ...stretch } }) => {
      const search: Search = {
        ...stretch,
        doctorIds: doctorId,
        specialtyKeys: specialty?.map(specialtyKey),
        languageKeys: language?.map(languageKey),
      };
      const order = nameOf(search);
      const position = readCursor(cursor, order, isTimestamp);
      const after = position && { start: Date.parse(position.sortKey), doctorId: position.id };
      const slots = await searchSlots(db, search, after, limit + 1);
      return okPage(pageOf(slots.map(item), limit, order));
    },
  }),
];
