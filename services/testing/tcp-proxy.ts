import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';
import type { Part, Wire } from './wire.ts';

/** `asked` is before the question arrives; `answered` is after it was answered and before the answer arrives. */
type Phase = 'asked' | 'answered';

/** A question or an answer that was caught on its way. Nothing more passes on that connection and way until one of these is called. */
export interface Held {
  /** Lets it arrive, even if the client is no longer there. */
  release: () => void;
  /** Resets the connection on both sides; of what is held only so many bytes arrive. */
  lose: (afterBytes?: number) => void;
}

export interface Exchange {
  name: string;
  /** The port of the server that was to be asked. */
  target: number;
  /** Milliseconds of `performance.now()`. */
  askedAt: number;
  /** Of HTTP: the status, and the word of a problem. */
  answer?: string;
}

export interface TcpProxy {
  port: number;
  /** Everything that was asked, in order, also what did not arrive. */
  exchanges: readonly Exchange[];
  /** What was answered to questions with this in their name. */
  answers: (about: string) => string[];
  /** Forgets everything that was asked so far: in a long run it would fill the memory. */
  forget: () => void;
  /** Holds the next question or answer of an exchange with this name; resolves when it is there. */
  hold: (name: string | RegExp, phase: Phase) => Promise<Held>;
  /** Everything passes; connections with a fault are reset. */
  pass: () => Promise<void>;
  /** Nobody listens; present connections are reset. */
  refuse: () => Promise<void>;
  /** Connections are accepted, and nothing is ever said on them; on present ones neither. */
  silence: () => void;
  /** Everything arrives this much later. */
  delay: (ms: number) => void;
  /** Goes to another server from now on; what is connected to the old one is reset. */
  retarget: (port: number) => void;
  close: () => Promise<void>;
}

interface Catch {
  name: string | RegExp;
  phase: Phase;
  resolve: (held: Held) => void;
}

/** What the connections of a proxy have in common. */
interface State {
  target: number;
  isSilent: boolean;
  delayMs: number;
  catches: Set<Catch>;
  exchanges: Exchange[];
  connections: Set<Connection>;
}

interface Connection {
  isFaulty: () => boolean;
  reset: () => void;
}

const matches = ({ name, phase }: Catch, part: Part, at: Phase): boolean =>
  phase === at && (typeof name === 'string' ? part.exchange === name : name.test(part.exchange));

/** One way of a connection. */
interface Lane {
  phase: Phase;
  to: Socket;
  /** What arrives later, in order. */
  late: Buffer[];
  /** Set while something is held. */
  waiting?: Buffer[] | undefined;
  caught?: Catch | undefined;
}

/** A socket whose end is under way cannot be reset: Node 20 would neither close it nor end with the process. */
function resetSocket(socket: Socket): void {
  if (socket.writableEnded || socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}

/** Joins a client with the server and keeps to the state's faults. */
function join(client: Socket, wire: Wire, state: State): Connection {
  const { target } = state;
  const server = connectTo(target, '127.0.0.1');
  for (const socket of [client, server]) socket.setNoDelay(true).on('error', () => undefined);
  const question: Lane = { phase: 'asked', to: server, late: [] };
  const answer: Lane = { phase: 'answered', to: client, late: [] };
  let wasSilent = false;
  let isAnswerOwed = false;
  let exchange: Exchange | undefined;

  const connection: Connection = {
    isFaulty: () => wasSilent || question.waiting !== undefined || answer.waiting !== undefined,
    reset: () => {
      resetSocket(client);
      resetSocket(server);
    },
  };

  const write = (lane: Lane, bytes: Buffer): void => {
    if (state.delayMs === 0 && lane.late.length === 0) {
      lane.to.write(bytes);
      return;
    }
    lane.late.push(bytes);
    // Each timer writes what has waited longest: when the delay ends, nothing may overtake what is still under way.
    setTimeout(() => lane.to.write(lane.late.shift() ?? ''), state.delayMs);
  };

  const heldOn = (lane: Lane): Held => ({
    release: () => {
      const waiting = lane.waiting ?? [];
      lane.waiting = undefined;
      for (const bytes of waiting) write(lane, bytes);
    },
    lose: (afterBytes = 0) => {
      const bytes = Buffer.concat(lane.waiting ?? []).subarray(0, afterBytes);
      if (bytes.length === 0) connection.reset();
      else lane.to.write(bytes, () => lane.to.end(connection.reset));
    },
  });

  const note = (lane: Lane, part: Part): void => {
    if (lane.phase === 'asked' && part.isFirst) {
      exchange = { name: part.exchange, target, askedAt: performance.now() };
      state.exchanges.push(exchange);
    }
    if (part.summary !== undefined && exchange !== undefined) exchange.answer = part.summary;
  };

  const move = (lane: Lane, part: Part): void => {
    note(lane, part);
    wasSilent ||= state.isSilent;
    if (wasSilent) return;
    isAnswerOwed = part.isAnswerOwed;
    const found = part.isFirst && [...state.catches].find((each) => matches(each, part, lane.phase));
    if (found) {
      state.catches.delete(found);
      lane.waiting = [];
      lane.caught = found;
    }
    if (lane.waiting === undefined) write(lane, part.bytes);
    else lane.waiting.push(part.bytes);
    if (lane.caught !== undefined && (lane.phase === 'asked' || part.isDecided)) {
      lane.caught.resolve(heldOn(lane));
      lane.caught = undefined;
    }
    if (client.destroyed && !isAnswerOwed) server.destroy();
  };

  client.on('data', (bytes) => {
    for (const part of wire.ask(bytes)) move(question, part);
  });
  server.on('data', (bytes) => {
    for (const part of wire.answer(bytes)) move(answer, part);
  });
  client.on('close', () => {
    if (server.destroyed) state.connections.delete(connection);
    // What it has asked is on its way, and nobody can call it back.
    else if (!isAnswerOwed) server.end();
  });
  server.on('close', (hadError) => {
    if (client.destroyed) state.connections.delete(connection);
    else if (hadError) resetSocket(client);
    else if (answer.waiting === undefined) client.end();
  });
  return connection;
}

/** Below the ports that systems give to outgoing connections: nobody takes it while nobody listens. */
const anyPort = (): number => 20_000 + Math.floor(Math.random() * 10_000);

const listenOn = (server: Server, port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error);
    server.once('error', onError).listen(port, '127.0.0.1', () => {
      server.off('error', onError);
      resolve(true);
    });
  });

/** A proxy in front of a TCP server of this machine, that can fail at a named moment. */
export async function startProxy(wire: () => Wire, target: number): Promise<TcpProxy> {
  const state: State = {
    target,
    isSilent: false,
    delayMs: 0,
    catches: new Set(),
    exchanges: [],
    connections: new Set(),
  };
  const server = createServer((client) => state.connections.add(join(client, wire(), state)));
  let port = anyPort();
  while (!(await listenOn(server, port))) port = anyPort();

  const reset = (which: (connection: Connection) => boolean = () => true): void => {
    for (const connection of [...state.connections]) if (which(connection)) connection.reset();
  };
  const stopListening = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      reset();
    });

  return {
    port,
    exchanges: state.exchanges,
    answers: (about) =>
      state.exchanges.flatMap(({ name, answer }) =>
        name.includes(about) && answer !== undefined ? answer : [],
      ),
    forget: () => {
      state.exchanges.length = 0;
    },
    hold: (name, phase) => new Promise((resolve) => state.catches.add({ name, phase, resolve })),
    pass: async () => {
      Object.assign(state, { isSilent: false, delayMs: 0 });
      state.catches.clear();
      reset((connection) => connection.isFaulty());
      if (!server.listening && !(await listenOn(server, port))) throw new Error(`port ${port} was taken`);
    },
    refuse: stopListening,
    silence: () => {
      state.isSilent = true;
    },
    delay: (ms) => {
      state.delayMs = ms;
    },
    retarget: (next) => {
      state.target = next;
      reset();
    },
    close: stopListening,
  };
}
