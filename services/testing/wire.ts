/** A piece of what passes through a proxy, and the question and answer that it belongs to. */
export interface Part {
  bytes: Buffer;
  /** What is asked: `PUT /reservations/… revision 1`, or a statement: its name, or its text if it has none. */
  exchange: string;
  /** Whether the question, or the answer, begins here. */
  isFirst: boolean;
  /** Whether the answer has said what matters: for a database all of it, for HTTP the status. */
  isDecided: boolean;
  /** Whether something that was asked is still to be answered after this. */
  isAnswerOwed: boolean;
  /** Of an HTTP answer: its status and the word of its problem. */
  summary?: string;
}

/** Cuts the bytes of one connection into parts. Answers come in the order of their questions, so that a part's exchange is known. */
export interface Wire {
  ask: (bytes: Buffer) => Part[];
  answer: (bytes: Buffer) => Part[];
}

/** HTTP/1.1 as our clients speak it: a request's head, and a short body with it, arrive in one piece. */
export function httpWire(): Wire {
  let exchange = 'nothing';
  return {
    ask: (bytes) => {
      const text = bytes.toString('latin1');
      const [, method, path] = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n/.exec(text) ?? [];
      const revision = /"revision":(\d+)/.exec(text)?.[1];
      const isFirst = method !== undefined;
      if (isFirst) exchange = `${method} ${path}${revision === undefined ? '' : ` revision ${revision}`}`;
      return [{ bytes, exchange, isFirst, isDecided: false, isAnswerOwed: true }];
    },
    answer: (bytes) => {
      const text = bytes.toString('latin1');
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
      const word = /urn:problem-type:([a-z-]+)/.exec(text)?.[1];
      const isFirst = status !== undefined;
      const summary = word === undefined ? status : `${status} ${word}`;
      const part = { bytes, exchange, isFirst, isDecided: isFirst, isAnswerOwed: !isFirst };
      return [{ ...part, ...(summary !== undefined && { summary }) }];
    },
  };
}

const SYNC = 'S';
const SIMPLE_QUERY = 'Q';
const READY_FOR_QUERY = 'Z';

/** PostgreSQL's protocol, version 3 (its documentation, "Message Formats"). */
export function postgresWire(): Wire {
  const questions = messageCutter(true);
  const answers = messageCutter(false);
  let exchange = 'start-up';
  // Questions go out without waiting for the answers before them.
  const asked: string[] = [];
  // The sealer's transactions come and go; whoever waits for a request's commit does not mean theirs.
  let isSealing = false;
  const nameIn = (name: string): string => {
    if (name === 'begin') isSealing = false;
    else if (name === 'audit.walk_indexes') isSealing = true;
    return name === 'commit' && isSealing ? 'commit of the sealer' : name;
  };
  let isAsking = false;
  let isAnswering = false;
  return {
    ask: (bytes) =>
      questions(bytes).map((message) => {
        const isFirst = !isAsking;
        const type = typeOf(message);
        const name = isFirst ? nameOf(message) : undefined;
        if (name !== undefined) exchange = nameIn(name);
        isAsking = 'PBDEC'.includes(type) || (isAsking && type !== SYNC);
        if (type === SYNC || type === SIMPLE_QUERY) asked.push(exchange);
        return { bytes: message, exchange, isFirst, isDecided: false, isAnswerOwed: true };
      }),
    answer: (bytes) =>
      answers(bytes).map((message) => {
        const answered = asked[0] ?? 'start-up';
        const isFirst = !isAnswering;
        // What a statement has done is committed when this comes, and not before.
        const isDecided = typeOf(message) === READY_FOR_QUERY;
        isAnswering = !isDecided;
        if (isDecided) asked.shift();
        const isAnswerOwed = !isDecided || asked.length > 0 || isAsking;
        return { bytes: message, exchange: answered, isFirst, isDecided, isAnswerOwed };
      }),
  };
}

const typeOf = (message: Buffer): string => String.fromCharCode(message[0] ?? 0);

/** The texts, each ended by a zero byte, that a message begins with. */
const textsOf = (message: Buffer): string[] => message.toString('latin1', 5).split('\0');

/** What a question asks, by its first message: a statement by name, or by text. */
function nameOf(message: Buffer): string | undefined {
  const [first = '', second = ''] = textsOf(message);
  switch (typeOf(message)) {
    case 'P':
      return first === '' ? second : first;
    case 'B':
      return second;
    case 'Q':
      return first;
    case 'X':
      return 'end';
    default:
      return undefined;
  }
}

/** Cuts a stream into whole messages: a type, a length that counts itself, the content. A client's first one has no type. */
function messageCutter(isClient: boolean): (bytes: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  let hasType = !isClient;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const messages: Buffer[] = [];
    for (;;) {
      const lengthAt = hasType ? 1 : 0;
      if (rest.length < lengthAt + 4) return messages;
      const end = lengthAt + rest.readInt32BE(lengthAt);
      if (rest.length < end) return messages;
      messages.push(rest.subarray(0, end));
      rest = rest.subarray(end);
      hasType = true;
    }
  };
}
