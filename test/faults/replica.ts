import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { node26 } from '../../bench/node26.ts';
import type { DatabaseName } from '../../services/local/databases.ts';
import { type Caller, openCaller } from '../../services/testing/load.ts';
import { type ServiceProcess, startProcess } from '../../services/testing/process.ts';

/** One of the processes of a service. When it is killed another takes its place, with another port: nothing may depend on which. */
export interface Replica {
  name: string;
  service: DatabaseName;
  /** To the process that is there now. */
  caller: () => Caller;
  process: () => ServiceProcess;
  /** SIGKILL; resolves when another process is ready. */
  crash: () => Promise<void>;
  /** SIGKILL, and nobody takes its place until `start`. */
  kill: () => Promise<void>;
  start: () => Promise<void>;
  stop: () => Promise<void>;
}

export interface ReplicaOptions {
  name: string;
  service: DatabaseName;
  variables: () => Readonly<Record<string, string>>;
  onStart: (port: number) => void;
  onLine: (line: string) => void;
  /** Told when a process ended that nobody had killed. */
  onEnd: (what: string) => void;
}

const ROOT = join(import.meta.dirname, '../..');
/** A client gives up then, and knows nothing. */
const CALL_TIMEOUT_MS = 4_000;
const CONNECTIONS = 64;
const LAST_LINES_MS = 200;

/** Starts a process of the compiled service, and waits until it is ready. */
export async function startReplica(options: ReplicaOptions): Promise<Replica> {
  const { name, service, variables, onStart, onLine, onEnd } = options;
  const command = [
    // As in the images.
    node26(),
    ...['--import', join(import.meta.dirname, 'preload.mjs')],
    join(ROOT, 'dist', service, 'main.js'),
  ];
  let running: ServiceProcess | undefined;
  let caller = openCaller('http://127.0.0.1:9');
  const start = async (): Promise<void> => {
    const started = await startProcess(service, variables(), onLine, undefined, command);
    running = started;
    void started.ended.then(async (end) => {
      if (running !== started) return;
      // Its last lines may still be on their way.
      await sleep(LAST_LINES_MS);
      onEnd(`${name} ended by itself: ${end}; its last error was ${started.lastError() || 'none'}`);
    });
    void caller.close();
    caller = openCaller(started.url, CONNECTIONS, CALL_TIMEOUT_MS);
    onStart(started.port);
  };
  const kill = async (): Promise<void> => {
    const killed = running;
    running = undefined;
    await killed?.kill();
  };
  await start();

  let turn = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    turn = turn.then(work);
    return turn;
  };
  return {
    name,
    service,
    caller: () => caller,
    process: () => {
      if (running === undefined) throw new Error(`${name} is not running`);
      return running;
    },
    crash: () =>
      inTurn(async () => {
        await kill();
        await start();
      }),
    kill: () => inTurn(kill),
    start: () => inTurn(start),
    stop: async () => {
      await turn;
      const stopped = running;
      running = undefined;
      await caller.close().catch(() => undefined);
      await stopped?.stop();
    },
  };
}
