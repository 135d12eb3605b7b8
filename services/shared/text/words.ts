// Letters that do not decompose into a base letter and a mark.
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  ø: 'o',
  æ: 'ae',
  œ: 'oe',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ħ: 'h',
  ı: 'i',
  ŋ: 'n',
  ŧ: 't',
  ς: 'σ',
};

const LETTER = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'gu');

// Marks that are accents. Those of Indic scripts are vowels and stay.
const ACCENTS =
  /[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]/gu;

/** Text without case and accents. The same function stores and asks: a search finds only what was folded alike. */
export const fold = (text: string): string =>
  text
    // NFKC would make the acute accent, which stands for an apostrophe, a space with a mark.
    .replaceAll('\u00b4', "'")
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFD')
    .replace(ACCENTS, '')
    .normalize('NFC')
    .replace(LETTER, (letter) => LETTERS[letter] ?? letter);

const PARTING = /[-\u2010-\u2015'\u2018\u2019\u02bb\u02bc`]/u;
// Unicode counts two of the apostrophes, U+02BB and U+02BC, among the letters.
const parts = (token: string): string[] =>
  token.split(/(?:[^\p{L}\p{N}\p{M}]|[\u02bb\u02bc])+/u).filter((part) => part !== '');

/** Names of more parts than this are found by each part and by all of them, but not by some of them together. */
const MAX_JOINED_PARTS = 6;

/** Neighbouring parts of a word, written together: Smith-O'Brien is Smith OBrien too. */
function* joined(all: readonly string[]): Generator<string> {
  if (all.length > MAX_JOINED_PARTS) {
    yield all.join('');
    return;
  }
  for (let length = 2; length <= all.length; length += 1)
    for (let from = 0; from + length <= all.length; from += 1) yield all.slice(from, from + length).join('');
}

/** The words that a name is found by: hyphen and apostrophe part words, and may be left out, each of them. */
export function wordsOf(...names: readonly string[]): string[] {
  const words = new Set<string>();
  for (const token of fold(names.join(' ')).split(/\s+/u)) {
    const all = parts(token);
    for (const part of all) words.add(part);
    if (PARTING.test(token)) for (const word of joined(all)) words.add(word);
  }
  words.delete('');
  return [...words];
}

/** The prefixes that a search asks for, each of which one word of a name must have. */
export const searchedPrefixes = (search: string): string[] => [...new Set(parts(fold(search)))];
