import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { jest } from '@jest/globals';
import { createAdmission } from './admission.ts';

/** A response that ends, or whose client goes away, when told so. */
class Answering extends EventEmitter {
  destroyed = false;
  close(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

let admission: ReturnType<typeof createAdmission>;
/** What came of each request, by its name, in the order in which it came. */
let told: string[];
beforeEach(() => {
  jest.useFakeTimers();
  jest.advanceTimersByTime(10_000);
  admission = createAdmission(2);
  told = [];
});
afterEach(() => {
  jest.useRealTimers();
});

/** Asks for a place, and says what it came to. */
function ask(name: string): Answering {
  const res = new Answering();
  void Promise.resolve()
    .then(() => admission.admit(res as unknown as ServerResponse))
    .then(
      () => told.push(`${name} works`),
      ({ status }) => told.push(`${name} ${status}`),
    );
  return res;
}

const afterMs = (ms: number) => jest.advanceTimersByTimeAsync(ms);

/** Requests that come one after the other, each as soon as the one before has its turn or stands in line. */
async function askAll(...names: readonly string[]): Promise<Answering[]> {
  const all: Answering[] = [];
  for (const name of names) {
    all.push(ask(name));
    await afterMs(0);
  }
  return all;
}

test('so many work at once; the others follow in their order, as answers go out', async () => {
  const [first, second, third] = await askAll('first', 'second', 'third', 'fourth', 'fifth');
  expect(told).toEqual(['first works', 'second works']);
  second?.close();
  await afterMs(0);
  expect(told.slice(2)).toEqual(['third works']);
  first?.close();
  third?.close();
  await afterMs(0);
  expect(told.slice(3)).toEqual(['fourth works', 'fifth works']);
});

test('a burst waits for half a second, and then is told', async () => {
  const burst = await askAll('first', 'second', 'third', 'fourth', 'fifth');
  await afterMs(300);
  for (const res of burst.slice(0, 2)) res.close();
  await afterMs(190);
  expect(told).toEqual(['first works', 'second works', 'third works', 'fourth works']);
  await afterMs(20);
  expect(told.slice(4)).toEqual(['fifth 503']);
});

test('who comes to a line that has stood for a while is told sooner, and those before are not', async () => {
  await askAll('first', 'second', 'third');
  await afterMs(150);
  await askAll('late');
  await afterMs(190);
  expect(told).toEqual(['first works', 'second works']);
  await afterMs(20);
  expect(told.slice(2)).toEqual(['late 503']);
});

test('a line that has ended is forgotten', async () => {
  const [first] = await askAll('first', 'second', 'third');
  await afterMs(150);
  first?.close();
  await askAll('late');
  await afterMs(340);
  expect(told).toEqual(['first works', 'second works', 'third works']);
});

test('a place counts for half a second: what takes longer keeps nobody from working', async () => {
  const [slow] = await askAll('slow', 'silent');
  await afterMs(490);
  await askAll('third', 'fourth');
  expect(told).toEqual(['slow works', 'silent works']);
  await afterMs(20);
  expect(told.slice(2)).toEqual(['third works', 'fourth works']);
  // Its place was free already, and is not free twice.
  slow?.close();
  await askAll('fifth');
  expect(told).toHaveLength(4);
});

test('who has left the line takes no place', async () => {
  const [first, , third] = await askAll('first', 'second', 'third', 'fourth');
  third?.close();
  first?.close();
  await afterMs(0);
  expect(told).toEqual(['first works', 'second works', 'third 503', 'fourth works']);
});
