import { runVerification } from '../audit/verify-command.ts';
import {
  type Environment,
  migrationSettings,
  readEnvironment,
  type ServiceSettings,
} from '../config/environment.ts';
import { migrate } from '../db/migrate.ts';
import { createLog, type Log } from '../log/log.ts';
import { type ServiceDefinition, startService } from './service.ts';

export interface Program {
  definition: (environment: Environment) => { settings: ServiceSettings; definition: ServiceDefinition };
  name: string;
  migrations: string;
}

type StartFailure = Error & {
  code?: string;
  port?: number;
  address?: string;
  syscall?: string;
  hostname?: string;
};

function describeListenFailure({ code, port, address, hostname, message }: StartFailure): string {
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} is taken; set PORT to a free one`;
    case 'EACCES':
      return `port ${port} may not be used by this user; set PORT to one above 1023`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `HOST ${address ?? hostname} is no address of this machine`;
    default:
      return message;
  }
}

/** One line that says what is wrong; who starts a program that cannot start sees nothing else. */
function describeStartFailure(error: unknown): string {
  const failure = error as StartFailure;
  const { code, message, syscall } = failure;
  if (syscall === 'listen' || syscall === 'getaddrinfo') return describeListenFailure(failure);
  if (code === '28P01' || code === '28000')
    return 'the database refuses the user or its password; check OWNER_DATABASE_URL';
  if (code === '3D000') return 'the database does not exist; check OWNER_DATABASE_URL';
  return message === '' ? String(code) : message;
}

/** How long the last lines may take to be written. */
const LAST_WORDS_MS = 1_000;

async function exitAfter(log: Log, code: number): Promise<never> {
  setTimeout(() => process.exit(code), LAST_WORDS_MS);
  await log.end();
  process.exit(code);
}

/** How long everything may take to end after a signal, beyond the drain delay. */
const HARD_DEADLINE_MS = 25_000;

/**
 * `main.ts` is the service, `main.ts migrate` brings its schema up to date, `main.ts audit:verify` looks whether the audit trail is
 * as it was sealed. Reads all configuration once.
 */
export async function runProgram(program: Program, args: readonly string[]): Promise<void> {
  let log = createLog(program.name, 'info');
  try {
    const [command, ...more] = args;
    if (command === 'audit:verify') {
      const write = (line: string) => void process.stdout.write(`${line}\n`);
      process.exitCode = await runVerification(program.name, readEnvironment(), more, write);
      return;
    }
    const unknown = command === 'migrate' ? more[0] : command;
    if (unknown !== undefined)
      throw new Error(`unknown argument ${unknown}: there are migrate and audit:verify`);
    const environment = readEnvironment();
    if (command === 'migrate') {
      const { ownerUrl, applicationRole } = migrationSettings(environment);
      environment.done();
      await migrate({
        ownerUrl,
        applicationRole,
        directory: program.migrations,
        log: (message) => log.info({}, message),
      });
      return;
    }
    const { definition, settings } = program.definition(environment);
    environment.done();
    log = createLog(program.name, settings.logLevel);
    const service = await startService(definition, settings, log);

    const stop = (code: number): void => {
      const deadline = setTimeout(() => void exitAfter(log, 1), settings.drainDelayMs + HARD_DEADLINE_MS);
      deadline.unref();
      process.exitCode = Math.max(code, Number(process.exitCode ?? 0));
      void service.stop();
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(0));
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event, (error: unknown) => {
        log.error({ error }, `${event}: stopping`);
        stop(1);
      });
    }
  } catch (error) {
    log.error({ reason: describeStartFailure(error) }, 'cannot start');
    await exitAfter(log, 1);
  }
}
