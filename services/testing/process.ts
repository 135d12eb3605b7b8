import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endOf } from '../local/processes.ts';

/** A service as a process of its own, as it runs in production. */
export interface ServiceProcess {
  url: string;
  port: number;
  pid: number;
  /** Resolves when it is gone, with the exit code or the signal. */
  ended: Promise<string>;
  /** The line that says why it stops, or the last one that it logged as an error; `ended` may come before it is read. */
  lastError: () => string;
  /** SIGKILL; resolves when the process is gone. Another one takes its place: none is ever started again. */
  kill: () => Promise<void>;
  /** SIGSTOP: it is there and does nothing. */
  pause: () => void;
  /** SIGCONT. */
  resume: () => void;
  /** Sends a signal, unless it is gone. */
  send: (signal: NodeJS.Signals) => void;
  /** SIGTERM; resolves with how the process has ended. */
  stop: () => Promise<string>;
}

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const running = new Set<ServiceProcess>();

/** How Node runs a service from its source. */
const fromSource = (service: string): string[] => [
  process.execPath,
  ...['--import', 'tsx', '--import', path('../local/leash.ts')],
  path(`../${service}/main.ts`),
];

/** Starts a service and waits until it is ready. It ends with us, however we end (services/local/leash.ts). */
export async function startProcess(
  service: 'patient' | 'doctor',
  variables: Readonly<Record<string, string>>,
  onLine: (line: string) => void = () => undefined,
  onErrorText: (text: string) => void = (text) => void process.stderr.write(text),
  command: readonly string[] = fromSource(service),
): Promise<ServiceProcess> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: path('../..'),
    env: { PATH: process.env.PATH, AUTH: 'off', PORT: '0', DRAIN_DELAY_MS: '0', ...variables },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stderr.setEncoding('utf8').on('data', onErrorText);
  const ended = endOf(child);
  let lastError = '';
  const signal = async (name: NodeJS.Signals): Promise<string> => {
    child.kill(name);
    const end = await ended;
    running.delete(started);
    return end;
  };
  const started: ServiceProcess = {
    url: '',
    port: 0,
    pid: child.pid ?? 0,
    ended,
    lastError: () => lastError,
    kill: async () => void (await signal('SIGKILL')),
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    send: (name) => child.kill(name),
    stop: () => signal('SIGTERM'),
  };
  running.add(started);
  const hear = (line: string): void => {
    // Requests that fail while it stops are not why it stops.
    if (line.includes('"level":"error"') && !lastError.includes(': stopping')) lastError = line;
    onLine(line);
  };
  // Not before everything it said was read.
  const closed = once(child, 'close');
  started.port = await Promise.race([
    portOf(child, hear),
    closed.then(async () => failed(service, `${await ended} ${lastError}`)),
  ]);
  started.url = `http://127.0.0.1:${started.port}`;
  return started;
}

function failed(service: string, end: string): never {
  throw new Error(`the ${service} service did not start: ${end}`);
}

/** The port, by the log, once the log says that the database answers too. */
function portOf({ stdout }: ChildProcess, onLine: (line: string) => void): Promise<number> {
  if (stdout === null) throw new Error('the process has no standard output');
  let port = 0;
  let isReady = false;
  return new Promise((resolve) => {
    createInterface({ input: stdout }).on('line', (line) => {
      onLine(line);
      if (isReady && port !== 0) return;
      const entry = JSON.parse(line) as { msg: string; port?: number };
      if (entry.msg === 'listening') port = entry.port ?? 0;
      if (entry.msg.startsWith('ready')) isReady = true;
      if (isReady && port !== 0) resolve(port);
    });
  });
}

/** Kills every process that was started here and is still there. */
export const killProcesses = async (): Promise<void> => {
  await Promise.all([...running].map((each) => each.kill()));
};
