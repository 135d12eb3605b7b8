import { tokenFile } from '../shared/auth/token-file.ts';
import { openDatabase } from '../shared/db/database.ts';
import type { Command } from '../shared/lifecycle/run.ts';
import { type Finding, reconcile } from './appointments/reconcile.ts';
import { readReconcileConfig } from './config.ts';
import { openDoctorClient } from './doctor-client.ts';

const AFTERWARDS: Readonly<Record<NonNullable<Finding['repair']>, string>> = {
  repaired: 'repaired',
  refused:
    'NOT repaired: the doctor has no time for it any more; call the patient, and cancel or reschedule it',
  waits: 'sent; it waits for the doctor service',
  failed:
    'NOT repaired: it has changed meanwhile, or the patient has another appointment then; run this again',
};

/**
 * `reconcile` lists where both sides do not fit after one database was restored to an earlier moment; `reconcile --repair` mends it.
 * One line for each on stdout. The exit code is 1 while something does not fit.
 */
export const reconcileCommand: Command = async (environment, args, log) => {
  const unknown = args.find((arg) => arg !== '--repair');
  if (unknown !== undefined) throw new Error(`unknown argument ${unknown}: there is --repair`);
  const { databaseUrl, doctorServiceUrl, doctorServiceTokenFile } = readReconcileConfig(environment);
  environment.done();
  const db = openDatabase({
    url: databaseUrl,
    poolMax: 2,
    constraints: {},
    onIdleError: (error) => log.warn({ error }, 'an idle connection to the database was lost'),
  });
  const doctors = openDoctorClient({
    url: doctorServiceUrl,
    token: tokenFile(doctorServiceTokenFile),
    onAnswer: () => undefined,
    onUnexpected: (what) =>
      log.error({ reason: what }, 'the doctor service gave an answer that means nothing'),
  });
  let [found, mended] = [0, 0];
  try {
    for await (const { appointmentId, difference, repair } of reconcile({
      db,
      doctors,
      repair: args.length > 0,
    })) {
      found += 1;
      if (repair === 'repaired') mended += 1;
      process.stdout.write(
        `${appointmentId} ${difference}${repair === undefined ? '' : `: ${AFTERWARDS[repair]}`}\n`,
      );
    }
  } finally {
    await doctors.close();
    await db.close();
  }
  process.stdout.write(`${found} differences${args.length > 0 ? `, ${mended} repaired` : ''}\n`);
  if (found > mended) process.exitCode = 1;
};
