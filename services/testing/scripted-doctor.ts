import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { RefusalReason } from '../doctor/reservations/reservation.ts';
import type { Wish } from '../patient/doctor-client.ts';

/** What the patient service asks about a revision, and by which request; a question of the settler has an id of its own. */
export interface Question extends Wish {
  requestId: string | undefined;
}

type NoAnswer = 'silence' | 'cut';

/** What happens to a question. Without any of these it is answered as the real doctor service answers. */
export interface Twist {
  /** Decides only then. */
  before?: Promise<unknown>;
  /** Decides nothing: no answer, one that contradicts, or any other. */
  instead?: NoAnswer | 'superseded' | 'revision-mismatch' | { status: number; body?: string };
  /** Refuses, unless the revision is decided already. */
  refuse?: RefusalReason;
  /** Has decided, and answers only then or never. */
  after?: Promise<unknown> | NoAnswer;
}

type Time = NonNullable<Wish['wanted']>;

type Decision = { revision: number } & (
  | { state: 'active'; time: Time }
  | { state: 'refused'; time: Time; reason: RefusalReason }
  | { state: 'released'; time: Time | null }
);

export interface ScriptedDoctor {
  url: string;
  /** Every question so far, in order. */
  asked: readonly Question[];
  /** What happens to questions from now on; undefined answers honestly. */
  script: (twistOf: (question: Question) => Twist | undefined) => void;
  /** What was decided about a revision; a reservation that a newer revision has ended is `released`. */
  decisionOf: (appointmentId: string, revision: number) => Decision | undefined;
  /** The time that an appointment has now. */
  timeOf: (appointmentId: string) => Time | undefined;
  stop: () => Promise<void>;
}

type Said = { status: number; body?: string };

const problem = (word: string): Said => ({
  status: 409,
  body: JSON.stringify({ type: `urn:problem-type:${word}`, title: word, status: 409, detail: word }),
});

const overlap = (a: Time, b: Time): boolean =>
  a.doctorId === b.doctorId && a.startsAt < b.endsAt && b.startsAt < a.endsAt;

/** The rules of design §3 about revisions, in memory. Of the calendar's rules it knows only that no time is taken twice. */
function openBook() {
  const decisions = new Map<string, Decision[]>();
  const of = (appointmentId: string) => decisions.get(appointmentId) ?? [];
  const timeOf = (appointmentId: string): Time | undefined =>
    of(appointmentId).flatMap((decision) => (decision.state === 'active' ? [decision.time] : []))[0];
  const isTaken = (appointmentId: string, wanted: Time): boolean =>
    [...decisions.keys()].some((other) => {
      const time = other === appointmentId ? undefined : timeOf(other);
      return time !== undefined && overlap(time, wanted);
    });

  const keep = (appointmentId: string, next: Decision): void => {
    const older = of(appointmentId).map((decision): Decision => {
      const ends = decision.state === 'active' && next.state !== 'refused';
      return ends ? { ...decision, state: 'released' } : decision;
    });
    decisions.set(appointmentId, [...older, next]);
  };

  const replay = (newest: Decision, { revision, wanted }: Wish): Said => {
    if (newest.revision > revision) return problem('superseded');
    if (wanted === null) return newest.state === 'released' ? { status: 204 } : problem('revision-mismatch');
    const same = newest.state !== 'released' && JSON.stringify(newest.time) === JSON.stringify(wanted);
    if (!same) return problem('revision-mismatch');
    return newest.state === 'refused' ? problem(newest.reason) : { status: 200 };
  };

  const decide = (wish: Wish, refuse: RefusalReason | undefined): Said => {
    const { appointmentId, revision, wanted } = wish;
    const newest = of(appointmentId).at(-1);
    if (newest !== undefined && newest.revision >= revision) return replay(newest, wish);
    if (wanted === null) {
      keep(appointmentId, { revision, state: 'released', time: null });
      return { status: 204 };
    }
    const reason = refuse ?? (isTaken(appointmentId, wanted) ? 'slot-taken' : undefined);
    keep(
      appointmentId,
      reason === undefined
        ? { revision, state: 'active', time: wanted }
        : { revision, state: 'refused', time: wanted, reason },
    );
    return reason === undefined ? { status: 201 } : problem(reason);
  };

  const decisionOf = (appointmentId: string, revision: number) =>
    of(appointmentId).find((decision) => decision.revision === revision);
  return { decide, decisionOf, timeOf };
}

async function readQuestion(req: IncomingMessage): Promise<Question> {
  const { pathname, searchParams } = new URL(req.url ?? '', 'http://scripted');
  const [, appointmentId = ''] = /^\/reservations\/([0-9a-f-]{36})$/.exec(pathname) ?? [];
  const header = req.headers['x-request-id'];
  const requestId = Array.isArray(header) ? header[0] : header;
  if (req.method === 'DELETE') {
    return { appointmentId, revision: Number(searchParams.get('revision')), wanted: null, requestId };
  }
  const { revision, doctorId, startsAt, endsAt } = (await json(req)) as Time & { revision: number };
  return { appointmentId, revision, wanted: { doctorId, startsAt, endsAt }, requestId };
}

function say(res: ServerResponse, { status, body }: Said): void {
  const type = status >= 400 ? 'application/problem+json' : 'application/json';
  res.writeHead(status, body === undefined ? {} : { 'content-type': type }).end(body);
}

/**
 * A doctor service for the answers that the real one cannot be made to give. What it decides it keeps by appointment and revision;
 * doctor-contract.int.test.ts holds it to the real one's answers.
 */
export async function startScriptedDoctor(): Promise<ScriptedDoctor> {
  const { decide, decisionOf, timeOf } = openBook();
  const asked: Question[] = [];
  let twistOf: (question: Question) => Twist | undefined = () => undefined;

  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const question = await readQuestion(req);
    asked.push(question);
    const { before, instead, refuse, after } = twistOf(question) ?? {};
    const end = (how: NoAnswer) => how === 'cut' && res.destroy();
    await before;
    if (instead === 'silence' || instead === 'cut') return void end(instead);
    if (instead !== undefined) return say(res, typeof instead === 'string' ? problem(instead) : instead);
    const { status, body } = decide(question, refuse);
    if (after === 'silence' || after === 'cut') return void end(after);
    await after;
    const { appointmentId, revision, wanted } = question;
    const granted = JSON.stringify({ appointmentId, revision, state: 'active', ...wanted });
    say(
      res,
      status === 200 || status === 201 ? { status, body: granted } : { status, ...(body && { body }) },
    );
  };

  const server = createServer((req, res) => {
    // A caller that has gone away takes its question with it.
    answer(req, res).catch(() => res.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    script: (next) => {
      twistOf = next;
    },
    decisionOf,
    timeOf,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
