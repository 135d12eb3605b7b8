import { z } from 'zod';
import { defineProblem } from '../../shared/problem/problem.ts';
import { email, languageTag, name, phone, timeZone } from '../../shared/schema/schema.ts';
import { fold, wordsOf } from '../../shared/text/words.ts';

export const duplicateDoctor = defineProblem(
  'duplicate-doctor',
  409,
  'Another doctor has this licence number',
);
export const hasUpcomingReservations = defineProblem(
  'has-upcoming-reservations',
  409,
  'The doctor has reservations to come',
);

/** A list whose items mean different things: two are the same when their keys are. */
const distinct = <Item extends z.ZodType<string>>(item: Item, keyOf: (value: string) => string) =>
  z
    .array(item)
    .max(20)
    .superRefine((values, context) => {
      const keys = values.map((value) => keyOf(value));
      for (const [index, key] of keys.entries()) {
        if (keys.indexOf(key) < index)
          context.addIssue({ code: 'custom', path: [index], message: 'must not be there twice' });
      }
    });

/** The body of `POST /doctors`, and of `PUT` as a whole. */
export const doctorBody = z.strictObject({
  givenName: name,
  familyName: name,
  specialties: distinct(name, specialtyKey)
    .min(1)
    .describe('At least one; compared without case and accents'),
  licenseNumber: name.optional().describe('No two doctors have the same, deleted doctors included'),
  email: email.optional(),
  phone: phone.optional(),
  languages: distinct(languageTag, fold).optional().describe('BCP 47 language tags'),
  timeZone: timeZone.describe('IANA name; what a schedule without one of its own is put with'),
});

export type Doctor = z.output<typeof doctorBody>;

/** A doctor as it is read. */
export const doctorResource = doctorBody.extend({
  id: z.uuid(),
  version: z.int(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});

/** What only the server sets; it may come back as it was read. */
export const serverMade = ['id', 'version', 'createdAt', 'updatedAt'];

/** An index entry holds some 2,700 bytes, and folding may make eighteen characters of one. */
const MAX_KEY_LENGTH = 200;
const key = (text: string): string => fold(text).slice(0, MAX_KEY_LENGTH);

/** What specialties are compared by. */
export function specialtyKey(specialty: string): string {
  return key(specialty);
}

/** What lists of doctors are sorted by. */
export const nameKey = ({ familyName, givenName }: Doctor): string => key(`${familyName} ${givenName}`);

/** The words that a doctor is found by. */
export const nameWords = ({ givenName, familyName }: Doctor): string[] => wordsOf(givenName, familyName);

/** The language ranges that match these tags (RFC 4647 §3.3.1, basic filtering): `pt` and `pt-br` of `pt-BR`. */
export function languageKeys(languages: readonly string[] = []): string[] {
  const ranges = languages.flatMap((language) => {
    const subtags = language.toLowerCase().split('-');
    return subtags.map((_, index) => subtags.slice(0, index + 1).join('-'));
  });
  return [...new Set(ranges)];
}

/** The key that a language range is compared by. */
export const languageKey = (range: string): string => range.toLowerCase();
