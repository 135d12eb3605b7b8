import { fold, searchedPrefixes, wordsOf } from './words.ts';

describe('fold', () => {
  test.each([
    ['Straße', 'strasse'],
    ['STRASSE', 'strasse'],
    ['Sørensen', 'sorensen'],
    ['Æthelred', 'aethelred'],
    ['Łukasz', 'lukasz'],
    ['İpek', 'ipek'],
    ['Nguyễn', 'nguyen'],
    ['Παπαδόπουλος', 'παπαδοπουλοσ'],
    ['ΠΑΠΑΔΟΠΟΥΛΟΣ', 'παπαδοπουλοσ'],
    ['Ёлкин', 'елкин'],
    ['한', '한'],
    ['किरण', 'किरण'],
  ])('%s is %s', (text, folded) => {
    expect(fold(text)).toBe(folded);
  });
});

describe('wordsOf', () => {
  test('hyphen and apostrophe part words, and may be left out', () => {
    expect(wordsOf("Anne-Marie O'Brien").sort()).toEqual([
      'anne',
      'annemarie',
      'brien',
      'marie',
      'o',
      'obrien',
    ]);
    for (const apostrophe of '’‘ʼʻ`´') expect(wordsOf(`O${apostrophe}Neill`)).toEqual(wordsOf("O'Neill"));
  });

  test('other punctuation only parts words', () => {
    expect(wordsOf('de la Cruz, Jr.')).toEqual(['de', 'la', 'cruz', 'jr']);
  });
});

test('a search asks for each of its words once', () => {
  expect(searchedPrefixes('  MAR  anne-mar ')).toEqual(['mar', 'anne']);
  expect(searchedPrefixes('—')).toEqual([]);
});
