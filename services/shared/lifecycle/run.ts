import { runVerification } from '../audit/verify-command.ts';
import {
  type Environment,
  migrationSettings,
  readEnvironment,
  type ServiceSettings,
} from '../config/environment.ts';
import { connectPatiently, migrate } from '../db/migrate.ts';
import { createLog, type Log } from '../log/log.ts';
import { type ServiceDefinition, startService } from './service.ts';

export interface Program {
  definition: (environment: Environment) => { settings: ServiceSettings; definition: ServiceDefinition };
  name: string;
  migrations: string;
  /** What it does instead of serving, by its word on the command line. */
  commands?: Readonly<Record<string, Command>>;
}

/** Reads its settings, calls `done` of the environment, and sets the exit code if it is not 0. */
export type Command = (environment: Environment, args: readonly string[], log: Log) => Promise<void>;

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
  return message === '' ? String(code) : message;
}

/** How long the last lines may take to be written. */
export const LAST_WORDS_MS = 1_000;

async function exitAfter(log: Log, code: number): Promise<never> {
  setTimeout(() => process.exit(code), LAST_WORDS_MS);
  await log.end();
  process.exit(code);
}

/** How long everything may take to end after a signal, beyond the drain delay. Before the kubelet kills, so that the last line says why. */
export const HARD_DEADLINE_MS = 23_000;

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Until there is a service to stop, a signal ends the program at once; what a migration had not committed is undone. Without a listener
 * the kernel passes it over for the first process of a container, which then ends only by SIGKILL. Returns what takes this back.
 */
function endOnSignal(log: () => Log): () => void {
  const end = (signal: NodeJS.Signals, number: number): void => {
    log().warn({ reason: signal }, 'ended by a signal before it was done');
    void exitAfter(log(), 128 + number);
  };
  for (const signal of SIGNALS) process.on(signal, end);
  return () => {
    for (const signal of SIGNALS) process.off(signal, end);
  };
}

/** Brings the schema up to date, and finds out whether the service will get in. */
const migration =
  ({ migrations }: Program): Command =>
  async (environment, [unknown], log) => {
    if (unknown !== undefined) throw new Error(`unknown argument ${unknown}: migrate takes none`);
    const { ownerUrl, applicationUrl, applicationRole } = migrationSettings(environment);
    environment.done();
    const tell = (message: string): void => log.info({}, message);
    await migrate({ ownerUrl, applicationRole, directory: migrations, log: tell });
    const client = await connectPatiently({ url: applicationUrl, variable: 'DATABASE_URL', log: tell });
    await client.end();
  };

const verification =
  ({ name }: Program): Command =>
  async (environment, args) => {
    const write = (line: string) => void process.stdout.write(`${line}\n`);
    process.exitCode = await runVerification(name, environment, args, write);
  };

/**
 * `main.ts` is the service, `main.ts migrate` brings its schema up to date, `main.ts audit:verify` looks whether the audit trail is
 * as it was sealed. Reads all configuration once.
 */
export async function runProgram(program: Program, args: readonly string[]): Promise<void> {
  let log = createLog(program.name, 'info');
  const letServiceStop = endOnSignal(() => log);
  try {
    const [word, ...more] = args;
    const environment = readEnvironment();
    if (word !== undefined) {
      const commands: NonNullable<Program['commands']> = {
        migrate: migration(program),
        'audit:verify': verification(program),
        ...program.commands,
      };
      const command = Object.hasOwn(commands, word) ? commands[word] : undefined;
      if (command === undefined)
        throw new Error(`unknown argument ${word}; known are ${Object.keys(commands).join(', ')}`);
      await command(environment, more, log);
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
    letServiceStop();
    for (const signal of SIGNALS) process.on(signal, () => stop(0));
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
