// Prints a token of this machine's issuer: npm run token -- --role receptionist
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { roles } from '../patient/access.ts';
import { CannotStart } from './cannot-start.ts';
import { readDataFolder } from './config.ts';
import { openLocalIssuer } from './issuer.ts';

const USAGE =
  'npm run token -- --role admin|receptionist|doctor|patient [--doctor-id ID] [--patient-id ID] [--subject NAME] [--minutes 60]';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function readOptions() {
  try {
    const text = { type: 'string' } as const;
    return parseArgs({
      options: { role: text, 'doctor-id': text, 'patient-id': text, subject: text, minutes: text },
    }).values;
  } catch (error) {
    throw new CannotStart(`${(error as Error).message.split('\n')[0]} Usage: ${USAGE}`);
  }
}

/** The claims that the role must have. @throws CannotStart */
function ownClaims(role: string, ids: Readonly<Record<string, string | undefined>>): Record<string, string> {
  if (role !== 'doctor' && role !== 'patient') return {};
  const id = ids[`${role}-id`];
  if (id === undefined || !UUID.test(id))
    throw new CannotStart(`--role ${role} needs --${role}-id with the ${role}'s id, a UUID.`);
  return { [`${role}_id`]: id };
}

async function main(): Promise<void> {
  const { role, subject, minutes = '60', ...ids } = readOptions();
  if (role === undefined || !Object.hasOwn(roles, role)) throw new CannotStart(`Usage: ${USAGE}`);
  if (!/^[1-9]\d{0,4}$/.test(minutes))
    throw new CannotStart('--minutes must be a whole number from 1 to 99999.');
  const claims = ownClaims(role, ids);
  const issuer = await openLocalIssuer(resolve(readDataFolder()));
  console.log(await issuer.sign({ sub: subject ?? `a ${role}`, role, ...claims }, Number(minutes)));
}

await main().catch((error: unknown) => {
  console.error(error instanceof CannotStart ? error.message : error);
  process.exit(1);
});
