import { z } from 'zod';
import { defineProblem, notFound } from '../../shared/problem/problem.ts';
import {
  endOfPeriod,
  instantOrPartialDate,
  longText,
  startOfPeriod,
  text,
  uuid,
} from '../../shared/schema/schema.ts';

const alreadyAmended = defineProblem('already-amended', 409, 'The entry has been amended already');

export const superseded = () => alreadyAmended('Amend the entry that supersedes this one.');

export const noSuchEntry = () => notFound('There is no such entry in the history of this patient.');

/** The problem that a broken constraint means. */
export const historyConstraints = {
  history_supersedes_key: superseded,
};

/** What can be recorded. Visits are not: they follow from appointments. */
export const kinds = [
  'condition',
  'allergy',
  'medication',
  'procedure',
  'immunization',
  'observation',
  'note',
] as const;

const members = {
  kind: z.enum(kinds),
  description: longText,
  code: z
    .strictObject({ system: text(255).optional(), code: text(100).optional(), display: text(255).optional() })
    .optional()
    .describe('A code of a terminology, such as SNOMED CT or ICD-10'),
  occurredAt: instantOrPartialDate.describe('An instant, or YYYY, YYYY-MM or YYYY-MM-DD'),
  endedAt: instantOrPartialDate.optional().describe('Ends not before occurredAt begins'),
  severity: z.enum(['mild', 'moderate', 'severe']).optional(),
  appointmentId: uuid.optional().describe('An appointment of the same patient'),
};

const occurrence = z.object({
  occurredAt: instantOrPartialDate,
  endedAt: instantOrPartialDate.optional(),
});

const endsInOrder = {
  path: ['endedAt'],
  error: 'must not end before occurredAt begins',
  // So that it is said together with what else is wrong.
  when: ({ value }: { value: unknown }) => occurrence.safeParse(value).success,
};

/** Whether the last moment of the end is not before the first moment of the start. */
function isInOrder({ occurredAt, endedAt }: { occurredAt: string; endedAt?: string | undefined }): boolean {
  if (endedAt === undefined) return true;
  const start = Date.parse(startOfPeriod(occurredAt));
  const end = Date.parse(endOfPeriod(endedAt));
  // The end of a period is the first moment after it; an instant is its own last moment.
  return endedAt.includes('T') ? end >= start : end > start;
}

/** The body of `POST /patients/{id}/history`. */
export const entryBody = z.strictObject(members).refine(isInOrder, endsInOrder);

/** An entry as an amendment leaves it. */
export const amendedEntry = z
  .strictObject({
    ...members,
    enteredInError: z.boolean().default(false).describe('True strikes: it stays in the timeline, marked'),
  })
  .refine(isInOrder, endsInOrder);

export type Entry = z.output<typeof entryBody> & { enteredInError?: boolean };

/** An entry as it is read. */
export const entryResource = z.strictObject({
  ...members,
  id: z.uuid(),
  patientId: z.uuid(),
  supersedes: z.uuid().optional().describe('The entry that this one amends'),
  supersededBy: z.uuid().optional().describe('The entry that amends this one'),
  enteredInError: z.literal(true).optional(),
  recordedBy: z.string(),
  createdAt: z.iso.datetime(),
});

/** What only the server sets; it may come back as it was read. */
export const serverMade = ['id', 'patientId', 'supersedes', 'supersededBy', 'recordedBy', 'createdAt'];

/** A completed appointment in the timeline. */
const visit = z.strictObject({
  id: z.uuid().describe('The id of the appointment'),
  patientId: z.uuid(),
  kind: z.literal('visit'),
  description: z.string(),
  occurredAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  appointmentId: z.uuid(),
  doctorId: z.uuid(),
});

/** What the timeline holds. */
export const timelineItem = z.union([entryResource, visit]);
