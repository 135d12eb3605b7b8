import {
  ConfigurationError,
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

/** One line that says what is wrong; the caller of a program that cannot start sees nothing else. */
function describeStartFailure(error: unknown): string {
  if (error instanceof ConfigurationError) return error.message;
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `port ${port} is taken; set PORT to a free one`;
  if (code === 'EACCES') return `port ${port} may not be used by this user; set PORT to one above 1023`;
  if (code === '28P01' || code === '28000')
    return 'the database refuses the user or its password; check OWNER_DATABASE_URL';
  if (code === '3D000') return 'the database does not exist; check OWNER_DATABASE_URL';
  return message === '' ? String(code) : message;
}

function exitAfter(log: Log, code: number): never {
  log.flush();
  process.exit(code);
}

/** How long everything may take to end after a signal, beyond the drain delay. */
const HARD_DEADLINE_MS = 25_000;

/** `main.ts` is the service, `main.ts migrate` brings its schema up to date. Reads all configuration once. */
export async function runProgram(program: Program, args: readonly string[]): Promise<void> {
  let log = createLog(program.name, 'info');
  try {
    const environment = readEnvironment();
    if (args[0] === 'migrate') {
      const { ownerUrl, applicationRole } = migrationSettings(environment);
      environment.done();
      await migrate({
        ownerUrl,
        applicationRole,
        directory: program.migrations,
        log: (message) => log.info({}, message),
      });
      log.flush();
      return;
    }
    const { definition, settings } = program.definition(environment);
    environment.done();
    log = createLog(program.name, settings.logLevel);
    const service = await startService(definition, settings, log);

    const stop = (code: number): void => {
      const deadline = setTimeout(() => exitAfter(log, 1), settings.drainDelayMs + HARD_DEADLINE_MS);
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
    exitAfter(log, 1);
  }
}
