import { z } from 'zod';
import { defineProblem } from '../../shared/problem/problem.ts';
import { email, name, partialDate, phone, startOfPeriod, text } from '../../shared/schema/schema.ts';
import { searchedPrefixes, wordsOf } from '../../shared/text/words.ts';

const duplicatePatient = defineProblem(
  'duplicate-patient',
  409,
  'Another patient has one of these identifiers',
);
export const hasUpcomingAppointments = defineProblem(
  'has-upcoming-appointments',
  409,
  'The patient has appointments to come',
);

export const identifierTaken = () =>
  duplicatePatient('An identifier belongs to one patient for ever; a deleted patient can be restored.');

/** FHIR R4's administrative gender. */
const genders = ['male', 'female', 'other', 'unknown'] as const;

// An index entry of both must fit into a page of PostgreSQL: some 2,700 bytes, of which a character may take four.
const identifier = z.strictObject({
  system: text(255)
    .refine((system) => !system.includes('|'), 'must not have a |')
    .describe('Who gives the value, such as a URI; | parts it from the value in searches'),
  value: text(255),
});

const identifiers = z
  .array(identifier)
  .max(20)
  .superRefine((all, context) => {
    const seen = new Set<string>();
    for (const [index, { system, value }] of all.entries()) {
      const both = JSON.stringify([system, value]);
      if (seen.has(both))
        context.addIssue({ code: 'custom', path: [index], message: 'must not be there twice' });
      seen.add(both);
    }
  });

const address = z.strictObject({
  line: z.array(text(200)).max(10).optional(),
  city: name.optional(),
  postalCode: text(20).optional(),
  country: name.optional(),
});

const emergencyContact = z.strictObject({
  name: name.optional(),
  phone: phone.optional(),
  relationship: name.optional(),
});

/** The body of `POST /patients`, and of `PUT` as a whole. */
export const patientBody = z.strictObject({
  familyName: name,
  givenName: name.optional(),
  birthDate: partialDate.describe('YYYY, YYYY-MM or YYYY-MM-DD; not after today anywhere on earth'),
  gender: z.enum(genders).optional(),
  phone: phone.optional(),
  email: email.optional(),
  address: address.optional(),
  identifiers: identifiers.optional().describe('No two patients have the same, deleted patients included'),
  emergencyContact: emergencyContact.optional(),
});

export type Patient = z.output<typeof patientBody>;
export type Identifier = z.output<typeof identifier>;

/** A patient as it is read. */
export const patientResource = patientBody.extend({
  id: z.uuid(),
  version: z.int(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  deletedAt: z.iso.datetime().optional().describe('Only in versions and in lists of deleted patients'),
});

/** What only the server sets; it may come back as it was read. */
export const serverMade = ['id', 'version', 'createdAt', 'updatedAt', 'deletedAt'];

/** One of the states that a patient had. */
export const patientVersion = z.strictObject({
  version: z.int(),
  changedAt: z.iso.datetime(),
  changedBy: z.string(),
  patient: patientResource,
});

/**
 * Whether a partial date begins after a day.
 * @param today the day in the zone where it is latest, UTC+14, as YYYY-MM-DD
 */
export const isAfter = (birthDate: string, today: string): boolean =>
  startOfPeriod(birthDate).slice(0, 10) > today;

/** The digits of a telephone number, which are what a search compares. */
export const digitsOf = (number: string): string => number.replace(/\D/g, '');

/** Folding may make eighteen characters of one, and an index entry has some 2,700 bytes. */
const MAX_NAME_KEY = 600;

/**
 * The words of a name, family name first, each after a space. The tab sorts before all that a word can have, so that García
 * comes before García López.
 */
export const nameKey = ({
  familyName,
  givenName = '',
}: Pick<Patient, 'familyName' | 'givenName'>): string => {
  const spaced = (name: string) =>
    wordsOf(name)
      .map((word) => ` ${word}`)
      .join('');
  return [...`${spaced(familyName)}\t${spaced(givenName)}`].slice(0, MAX_NAME_KEY).join('');
};

const MAX_SEARCHED_WORDS = 10;

/** The beginnings of words that a search asks for; a name must have a word for each. */
export const searchedWords = text(300)
  .transform(searchedPrefixes)
  .refine((prefixes) => prefixes.length > 0, 'must have a letter or a digit')
  .refine(
    (prefixes) => prefixes.length <= MAX_SEARCHED_WORDS,
    `must have at most ${MAX_SEARCHED_WORDS} words`,
  )
  .describe('Words of the name in any order, each may be cut short; blind to case and accents');

/**
 * Prefixes under which each patient is indexed whose name has a word for each of `words`: the first three letters of a word,
 * or fewer, or three letters of each of two words, as few patients have both.
 */
export function indexedPrefixes(words: readonly string[]): string[] {
  const prefixes = [...new Set(words.map((word) => [...word].slice(0, 3).join('')))];
  const whole = prefixes.filter((prefix) => [...prefix].length === 3).sort(byBytes);
  if (whole.length < 2) return prefixes;
  return whole.flatMap((first, index) => whole.slice(index + 1).map((second) => `${first} ${second}`));
}

/** The order of the collation "C", which is not that of UTF-16. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Patterns of SQL's LIKE that a name's words, each after a space, must match. A searched word has letters and digits only. */
export const wordPatterns = (words: readonly string[]): string[] => words.map((word) => `% ${word}%`);

/** `system|value` of an identifier. */
export const identifierQuery = z
  .string()
  .transform((token, context): [system: string, value: string] => {
    const parts = identifier.safeParse({
      system: token.slice(0, Math.max(token.indexOf('|'), 0)),
      value: token.slice(token.indexOf('|') + 1),
    });
    if (parts.success) return [parts.data.system, parts.data.value];
    context.addIssue('must be a system and a value with | between them');
    return z.NEVER;
  })
  .describe('system|value');
