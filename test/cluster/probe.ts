import { namespace } from './cluster.ts';
import { run } from './command.ts';
import { limitMs } from './limits.ts';

/** What became of a connection; anything else is the error's own word. */
export type Outcome = 'connected' | 'refused' | 'timeout' | (string & {});

export interface Address {
  host: string;
  port: number;
}

/** Where to connect from: a container that has node, bash or promtool. */
export interface Source {
  namespace?: string;
  pod: string;
  container: string;
  has: 'node' | 'bash' | 'promtool';
}

const SECONDS = limitMs(2) / 1_000;

const NODE = `
const [seconds, ...addresses] = process.argv.slice(1);
for (const address of addresses) {
  const at = address.lastIndexOf(':');
  const socket = require('node:net').connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)) });
  const end = (word) => { console.log(address, word); socket.destroy(); clearTimeout(timer); };
  const timer = setTimeout(() => end('timeout'), seconds * 1000);
  socket.once('connect', () => end('connected')).on('error', ({ code }) => end(code === 'ECONNREFUSED' ? 'refused' : code));
}`;

/** 124 is how \`timeout\` says that it had to end a program; that of BusyBox says 143. */
const SHELL = `
tell() {
  case $2:$3 in
    124:*|143:*) echo "$1 timeout" ;;
    *"onnection refused"*) echo "$1 refused" ;;
    0:*) echo "$1 connected" ;;
    *) echo "$1 $3" | tr '\\n' ' '; echo ;;
  esac
}
seconds=$1; shift`;

const BASH = `${SHELL}
for address; do
  ( words=$(timeout "$seconds" bash -c "</dev/tcp/\${address%:*}/\${address##*:}" 2>&1); tell "$address" $? "$words" ) &
done
wait`;

/** An answer that is no PromQL, or none of HTTP, is one all the same. One after the other: each takes some memory. */
const PROMTOOL = `${SHELL}
for address; do
  words=$(timeout "$seconds" promtool query instant "http://$address" up 2>&1); code=$?
  case $words in *EOF*|*malformed*|*client_error*|*"client error"*|*bad_response*) code=0 ;; esac
  tell "$address" $code "$words"
done`;

const COMMANDS: Readonly<Record<Source['has'], readonly string[]>> = {
  // The first argument after a script is its name for a shell, and the first of all for node.
  node: ['/nodejs/bin/node', '-e', NODE],
  bash: ['bash', '-c', BASH, 'probe'],
  promtool: ['sh', '-c', PROMTOOL, 'probe'],
};

/** Connects from a pod to each address, and tells by the address what became of it. */
export async function probe(from: Source, addresses: readonly Address[]): Promise<Map<string, Outcome>> {
  const asked = addresses.map(({ host, port }) => `${host}:${port}`);
  const target = ['-n', from.namespace ?? namespace, 'exec', from.pod, '-c', from.container];
  const printed = await run('kubectl', [...target, '--', ...COMMANDS[from.has], String(SECONDS), ...asked]);
  const outcomes = new Map(
    printed
      .trim()
      .split('\n')
      .map((line) => {
        const at = line.indexOf(' ');
        return [line.slice(0, at), line.slice(at + 1).trim()] as const;
      }),
  );
  const silent = asked.filter((address) => !outcomes.has(address));
  if (silent.length > 0) throw new Error(`nothing is known of ${silent.join(', ')}: ${printed}`);
  return outcomes;
}
