import { nameKey } from '../services/patient/patients/patient.ts';

const STARTS = 'b br ch d f fr g gr h j k kr l m n p r s sch st t v w z'.split(' ');
const VOWELS = 'a e i o u ae au ei'.split(' ');
const MIDDLES = 'b ck d l ll m n nn r rr s ss t tt v'.split(' ');
const ENDS = 'a e er man mann ova owski sen son ez i o'.split(' ');

/** All words of three syllables that these sounds make, in an order that has nothing to do with the alphabet. */
const wordsOf = (ends: readonly string[]): string[] =>
  STARTS.flatMap((start) =>
    VOWELS.flatMap((vowel) =>
      MIDDLES.flatMap((middle) => ends.map((end) => `${start}${vowel}${middle}${end}`)),
    ),
  ).sort((a, b) => scattered(a) - scattered(b));

const scattered = (word: string): number =>
  [...word].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_003, 7);

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

const FAMILIES = wordsOf(ENDS).slice(0, 5_000).map(capital);
const GIVEN = wordsOf(['a', 'e', 'o', 'us']).slice(0, 1_000).map(capital);

/** The most frequent given name is that of 3 % of all, the most frequent family name that of 1.4 %, as in most countries. */
const drawn = (names: readonly string[]): string =>
  names[Math.floor(Math.random() ** 2 * names.length)] as string;

/** An invented person's name, and what searches compare. */
export function nameOf(): { familyName: string; givenName: string; key: string } {
  const [familyName, givenName] = [drawn(FAMILIES), drawn(GIVEN)];
  return { familyName, givenName, key: nameKey({ familyName, givenName }) };
}
