import { edits, type Mutant } from './mutant.ts';

const DATABASE = 'services/shared/db/database.ts';
const CLIENT = 'services/patient/doctor-client.ts';

const one = edits('services/shared/db/');

/** What a transaction promises, and what counts as an answer. */
export const transactionMutants: readonly Mutant[] = [
  one('BEGIN is not waited for before the work', DATABASE, '    if (!beginsByLocking) await begun;\n', ''),
  one(
    'BEGIN is not waited for before COMMIT',
    DATABASE,
    '    const result = await work(tx);\n    await begun;\n',
    '    const result = await work(tx);\n',
  ),
  one('the tag of COMMIT is not looked at', DATABASE, `if (command !== 'COMMIT')`, `if (command === '')`),
  one(
    'a failed transaction is not rolled back',
    DATABASE,
    '      await (committed ?? ask(connection, ROLLBACK)).catch(() => undefined);\n',
    '      await committed?.catch(() => undefined);\n',
  ),
  one(
    'a statement after the last one is asked',
    DATABASE,
    'if (committed !== undefined) throw',
    'if (committed === null) throw',
  ),
  one(
    'a connection whose BEGIN failed is used again',
    DATABASE,
    '      connection.broken = error;\n      throw error;\n',
    '      throw error;\n',
  ),
  one(
    'any 200 is an answer',
    CLIENT,
    ' && isReservationOf(wish, text))',
    ')',
    'failures/answers',
    'doctor-contract',
  ),
  one(
    'any 404 is a refusal',
    CLIENT,
    'status === 409 ? problemWord(text)',
    'status >= 400 ? problemWord(text)',
    'failures/answers',
    'doctor-contract',
  ),
];
