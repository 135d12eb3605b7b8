import { randomUUID } from 'node:crypto';
import { eventually } from '../../testing/eventually.ts';
import type { TestService } from '../../testing/service.ts';
import { nameTaken, startThings, type Trouble } from '../../testing/things.ts';
import { openDatabase } from '../db/database.ts';
import { createLog } from '../log/log.ts';
import { defineProblem, invalidRequest, notFound, unavailable, versionMismatch } from '../problem/problem.ts';
import { sweepKeys } from './once.ts';
import { deleteExpired } from './store.ts';

const changeInProgress = defineProblem('change-in-progress', 409, 'A change is in progress');

const trouble: Partial<Trouble> = {};
let service: TestService;
beforeAll(async () => {
  service = await startThings(trouble);
});
afterAll(() => service.stop());
beforeEach(() => service.db.query('truncate idempotency_keys; truncate things'));

const add = (key: string, body: object = { name: 'one' }, path = '/things') =>
  service.api.post(path).set('idempotency-key', key).send(body);
const count = async (table: string): Promise<number> =>
  Number((await service.db.query(`select count(*) from ${table}`)).rows[0]?.count);

describe('the same key and the same request', () => {
  test('get the first answer again: status, body, Location and ETag', async () => {
    const key = randomUUID();
    const first = await add(key).expect(201);
    const again = await add(key).expect(201);
    expect(again.text).toBe(first.text);
    expect(again.headers.location).toBe(`/things/${first.body.id}`);
    for (const header of ['location', 'etag', 'content-type', 'cache-control'])
      expect([header, again.headers[header]]).toEqual([header, first.headers[header]]);
    expect(again.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
    expect(await count('things')).toBe(1);
  });

  test('also when the resource has moved on since', async () => {
    const key = randomUUID();
    const first = await add(key).expect(201);
    await service.api.patch(`/things/${first.body.id}`).send({ name: 'two' }).expect(200);
    expect((await add(key).expect(201)).text).toBe(first.text);
  });

  test('are the same by value: members in another order, other blanks, the key quoted or bare', async () => {
    const key = randomUUID();
    const first = await add(key, { name: 'one', note: 'n' }).expect(201);
    for (const sent of [key, `"${key}"`])
      for (const text of ['{"note":"n","name":"one"}', ' {\n"name": "\\u006fne", "note":"n"} '])
        expect(
          (await add(sent).set('content-type', 'application/json').send(undefined).send(text).expect(201))
            .text,
        ).toBe(first.text);
    expect(await count('things')).toBe(1);
  });

  test('get the first 409 again, even if it would be granted now', async () => {
    const { body: taken } = await service.api.post('/things').send({ name: 'one' }).expect(201);
    const key = randomUUID();
    const first = await add(key).expect(409);
    expect(first.body.type).toBe('urn:problem-type:name-taken');
    await service.db.query('delete from things where id = $1', [taken.id]);
    const again = await add(key).expect(409);
    expect(again.text).toBe(first.text);
    expect(again.headers['content-type']).toBe('application/problem+json');
  });
});

test('without a key nothing is remembered', async () => {
  await service.api.post('/things').send({ name: 'one' }).expect(201);
  await service.api.post('/things').send({ name: 'one' }).expect(409);
  expect(await count('idempotency_keys')).toBe(0);
});

test('another key is another request', async () => {
  await add(randomUUID()).expect(201);
  await add(randomUUID()).expect(409);
});

test('422 idempotency-key-reused for another body, another path, or a body where there was none', async () => {
  const key = randomUUID();
  await add(key).expect(201);
  for (const other of [
    add(key, { name: 'two' }),
    add(key, { name: 'one', note: 'n' }),
    add(key, { name: 'one' }, '/trouble/answers'),
  ]) {
    const { body, status } = await other;
    expect([status, body.type]).toEqual([422, 'urn:problem-type:idempotency-key-reused']);
  }
  expect(await count('things')).toBe(1);
});

test('two at once: one runs, the other is 409 request-in-progress with Retry-After, and later gets the answer', async () => {
  const key = randomUUID();
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let runs = 0;
  trouble.answer = async () => {
    runs += 1;
    await released;
    return { status: 201, headers: { 'content-type': 'application/json' }, body: '{"run":1}' };
  };
  const first = add(key, {}, '/trouble/answers').then((answer) => answer);
  await eventually(async () => expect(runs).toBe(1));
  const { body, headers } = await add(key, {}, '/trouble/answers').expect(409);
  expect(body.type).toBe('urn:problem-type:request-in-progress');
  expect(headers['retry-after']).toBe('1');
  release();
  expect((await first).status).toBe(201);
  expect((await add(key, {}, '/trouble/answers').expect(201)).body).toEqual({ run: 1 });
  expect(runs).toBe(1);
});

test('twenty at once: the work is done once, and every answer is its answer or request-in-progress', async () => {
  const key = randomUUID();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () =>
      fetch(`${service.url}/things`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: '{"name":"one"}',
      }).then(
        async (response) => `${response.status} ${((await response.json()) as { type?: string }).type ?? ''}`,
      ),
    ),
  );
  expect(new Set(answers)).toEqual(
    new Set([
      '201 ',
      ...(answers.some((each) => each.startsWith('409')) ? ['409 urn:problem-type:request-in-progress'] : []),
    ]),
  );
  expect(await count('things')).toBe(1);
});

describe('what is kept', () => {
  const answers = async (answer: Trouble['answer']): Promise<{ kept: boolean; status: number }> => {
    let runs = 0;
    trouble.answer = (tx, body) => {
      runs += 1;
      return answer(tx, body);
    };
    const key = randomUUID();
    const { status } = await add(key, {}, '/trouble/answers');
    expect((await add(key, {}, '/trouble/answers')).status).toBe(status);
    return { kept: runs === 1, status };
  };

  test.each([200, 201, 202, 204])('%d', async (status) => {
    expect(await answers(() => Promise.resolve({ status, headers: {} }))).toEqual({ kept: true, status });
  });

  test('every 409 but those that tell about the moment', async () => {
    expect(await answers(() => Promise.reject(nameTaken('Taken.')))).toEqual({ kept: true, status: 409 });
    expect(await answers(() => Promise.reject(changeInProgress('Wait.')))).toEqual({
      kept: false,
      status: 409,
    });
  });

  test('not 404, 412, 422, 500 and 503: the request may be mended and tried again', async () => {
    for (const [error, status] of [
      [notFound('No.'), 404],
      [versionMismatch('No.'), 412],
      [invalidRequest([]), 422],
      [unavailable('No.'), 503],
      [new Error('defect'), 500],
    ] as const)
      expect(await answers(() => Promise.reject(error))).toEqual({ kept: false, status });
    expect(await count('idempotency_keys')).toBe(0);
  });

  test('a body that is invalid forgets its key, so that a mended one may use it', async () => {
    const key = randomUUID();
    await add(key, { name: '' }).expect(422);
    await add(key, { name: 'one' }).expect(201);
  });
});

describe('work and key', () => {
  test('are committed together', async () => {
    const key = randomUUID();
    trouble.answer = async (tx) => {
      await tx.query(
        { name: 'test.add_thing', text: `insert into things (id, name) values (gen_random_uuid(), 'x')` },
        [],
      );
      throw notFound('No.');
    };
    await add(key, {}, '/trouble/answers').expect(404);
    expect([await count('things'), await count('idempotency_keys')]).toEqual([0, 0]);
  });

  test('a kept 409 undoes the work and keeps the key', async () => {
    const key = randomUUID();
    trouble.answer = async (tx) => {
      await tx.query(
        { name: 'test.add_thing', text: `insert into things (id, name) values (gen_random_uuid(), 'x')` },
        [],
      );
      throw nameTaken('Taken.');
    };
    await add(key, {}, '/trouble/answers').expect(409);
    expect([await count('things'), await count('idempotency_keys')]).toEqual([0, 1]);
  });
});

test('422 for a key of 256 characters and for an empty one; 255 are fine', async () => {
  await add('k'.repeat(255)).expect(201);
  for (const key of ['k'.repeat(256), '""']) {
    const { body } = await add(key, { name: 'two' }).expect(422);
    expect(body.errors).toEqual([
      { header: 'Idempotency-Key', detail: 'must have 1 to 255 printable ASCII characters' },
    ]);
  }
});

test('a key means nothing where nothing is made: GET and PATCH run again', async () => {
  const { body } = await add(randomUUID()).expect(201);
  for (const name of ['two', 'three'])
    await service.api.patch(`/things/${body.id}`).set('idempotency-key', 'same').send({ name }).expect(200);
  await service.api.get('/things').set('idempotency-key', 'x'.repeat(300)).expect(200);
});

describe('after 24 hours', () => {
  const age = (key: string, interval: string) =>
    service.db.query('update idempotency_keys set created_at = now() - $2::interval where key = $1', [
      key,
      interval,
    ]);

  test('a key is forgotten, and used anew', async () => {
    const key = randomUUID();
    const first = await add(key).expect(201);
    await age(key, '23 hours 59 minutes');
    expect((await add(key).expect(201)).text).toBe(first.text);
    await age(key, '24 hours 1 second');
    const second = await add(key, { name: 'two' }).expect(201);
    expect(second.body.id).not.toBe(first.body.id);
    expect((await add(key, { name: 'two' }).expect(201)).text).toBe(second.text);
    expect(await count('idempotency_keys')).toBe(1);
  });

  const expire = (number: number) =>
    service.db.query(
      `insert into idempotency_keys (caller, key, fingerprint, answer, created_at)
       select 'x', 'old ' || n, '', '{}', now() - interval '25 hours' from generate_series(1, $1) n`,
      [number],
    );
  const openDb = () =>
    openDatabase({ url: service.databaseUrl, poolMax: 2, constraints: {}, onIdleError: () => undefined });

  test('it is deleted in batches, and no younger one', async () => {
    const key = randomUUID();
    await add(key).expect(201);
    await age(key, '23 hours 59 minutes');
    await expire(25);
    const db = openDb();
    expect([await deleteExpired(db, 10), await deleteExpired(db, 10), await deleteExpired(db, 10)]).toEqual([
      10, 10, 5,
    ]);
    expect(await deleteExpired(db, 10)).toBe(0);
    expect(await count('idempotency_keys')).toBe(1);
    await db.close();
  });

  test('two replicas that sweep at once share the work', async () => {
    await expire(40);
    const db = openDb();
    const deleted = await Promise.all([deleteExpired(db, 20), deleteExpired(db, 20)]);
    expect(deleted.reduce((sum, each) => sum + each)).toBe(
      await count('idempotency_keys').then((left) => 40 - left),
    );
    await db.close();
  });

  test('a sweep goes on until nothing is left, and stops when it is told to', async () => {
    await expire(2_500);
    const db = openDb();
    const sweeper = sweepKeys(db, createLog('tests', 'silent'), 20);
    await eventually(async () => expect(await count('idempotency_keys')).toBe(0));
    await sweeper.stop();
    await expire(1);
    await db.close();
    expect(await count('idempotency_keys')).toBe(1);
  });
});
