import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { jest } from '@jest/globals';
import { contextOf, withContext } from '../log/context.ts';
import { aside, createAdmission } from './admission.ts';

/** A request on a connection of its own. */
class Asking {
  readonly #socket: EventEmitter & { destroyed?: boolean } = new EventEmitter();
  readonly #res = new EventEmitter();
  /** Ends what the request waits for while it is aside. */
  comeBack: () => void = () => undefined;

  constructor(name: string) {
    const context = contextOf(undefined, undefined);
    const ask = () =>
      admission.admit({ socket: this.#socket } as unknown as IncomingMessage, this.#res as ServerResponse);
    this.#socket.destroyed = name.startsWith('gone');
    void withContext(context, async () => {
      try {
        await ask();
        told.push(`${name} works`);
        if (!name.startsWith('aside')) return;
        await aside(
          new Promise<void>((resolve) => {
            this.comeBack = resolve;
          }),
        );
      } catch (error) {
        told.push(`${name} ${(error as { status: number }).status}`);
      }
    });
  }

  answer(): void {
    this.#res.emit('close');
  }

  disconnect(): void {
    this.#socket.emit('close');
  }
}

let admission: ReturnType<typeof createAdmission>;
/** What came of each request, by its name, in the order in which it came. */
let told: string[];
beforeEach(() => {
  jest.useFakeTimers();
  admission = createAdmission(2);
  told = [];
});
afterEach(() => {
  jest.useRealTimers();
});

const afterMs = (ms: number) => jest.advanceTimersByTimeAsync(ms);

/** Requests that come one after the other, each as soon as the one before has its turn or stands in line. */
async function ask<Names extends readonly string[]>(
  ...names: Names
): Promise<{ [Name in Names[number]]: Asking }> {
  const all: Record<string, Asking> = {};
  for (const name of names) {
    all[name] = new Asking(name);
    await afterMs(0);
  }
  return all as { [Name in Names[number]]: Asking };
}

test('so many work at once; the others follow in their order, as answers go out', async () => {
  const { first, second, third } = await ask('first', 'second', 'third', 'fourth', 'fifth');
  expect(told).toEqual(['first works', 'second works']);
  second.answer();
  await afterMs(0);
  expect(told.slice(2)).toEqual(['third works']);
  first.answer();
  third.answer();
  await afterMs(0);
  expect(told.slice(3)).toEqual(['fourth works', 'fifth works']);
});

test('who stands in line for three seconds is told 503, and is not asked to work later', async () => {
  const { first } = await ask('first', 'second', 'third');
  await afterMs(2_990);
  expect(told).toEqual(['first works', 'second works']);
  await afterMs(20);
  expect(told.slice(2)).toEqual(['third 503']);
  first.answer();
  await ask('fourth');
  expect(told.slice(3)).toEqual(['fourth works']);
});

test('who waits for somebody else keeps nobody from working, and goes on at once', async () => {
  const first = (await ask('aside first', 'second', 'third', 'fourth'))['aside first'];
  expect(told).toEqual(['aside first works', 'second works', 'third works']);
  // Three work now.
  first.comeBack();
  await afterMs(0);
  first.answer();
  await afterMs(0);
  expect(told).toHaveLength(3);
});

test('a place is free once, whether its request ends aside or not', async () => {
  const all = await ask('aside first', 'second', 'third', 'fourth', 'fifth');
  all['aside first'].disconnect();
  all['aside first'].answer();
  all['aside first'].comeBack();
  await afterMs(0);
  expect(told).toEqual(['aside first works', 'second works', 'third works']);
  all.second.answer();
  all.second.disconnect();
  await afterMs(0);
  expect(told.slice(3)).toEqual(['fourth works']);
});

test('who has left the line takes no place', async () => {
  const { first, third } = await ask('first', 'second', 'third', 'fourth');
  third.disconnect();
  first.answer();
  await afterMs(0);
  expect(told).toEqual(['first works', 'second works', 'third 503', 'fourth works']);
});

test('who has gone before it asks for a place takes none, and stands in no line', async () => {
  await ask('gone first', 'gone second', 'third', 'fourth');
  expect(told.slice(2)).toEqual(['third works', 'fourth works']);
  await ask('gone fifth');
  expect(told.slice(4)).toEqual(['gone fifth 503']);
});
