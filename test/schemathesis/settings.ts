import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccessProcesses } from '../../services/testing/access-processes.ts';

/** What refuses bad data: also its size, and an ETag that was sent with it. */
const REFUSALS = '[checks]\nnegative_data_rejection.expected-statuses = ["4XX"]\n';

/** How often an id is one that is there, which random ones never are. */
const PROBABILITY = 0.7;

const bind = (place: string, dictionary: string): string =>
  `"${place}" = { dictionary = "${dictionary}", probability = ${PROBABILITY} }\n`;

/** Writes schemathesis.toml with the ids of new records, and returns its path. */
export async function writeSettings(world: AccessProcesses, folder: string): Promise<string> {
  const pairs = [await world.seedPair(world.mine), await world.seedPair(world.theirs), world.mine];
  const idsOf = (...members: readonly Exclude<keyof (typeof pairs)[number], 'free'>[]) =>
    JSON.stringify(pairs.flatMap((pair) => members.map((member) => pair[member])));
  const dictionaries = {
    ids: idsOf('patientId', 'doctorId', 'appointmentId'),
    patients: idsOf('patientId'),
    doctors: idsOf('doctorId'),
    appointments: idsOf('appointmentId'),
    entries: idsOf('entryId'),
    exceptions: idsOf('exceptionId'),
  };
  const file = join(folder, 'schemathesis.toml');
  writeFileSync(
    file,
    [
      REFUSALS,
      ...Object.entries(dictionaries).map(([name, ids]) => `[dictionaries.${name}]\nvalues = ${ids}\n`),
      '[parameters]\n',
      bind('path.id', 'ids'),
      bind('path.entryId', 'entries'),
      bind('path.exceptionId', 'exceptions'),
      bind('path.appointmentId', 'appointments'),
      ...['query', 'body'].flatMap((place) => [
        bind(`${place}.patientId`, 'patients'),
        bind(`${place}.doctorId`, 'doctors'),
      ]),
    ].join(''),
  );
  return file;
}
