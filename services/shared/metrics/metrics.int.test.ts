import { eventually } from '../../testing/eventually.ts';
import type { TestService } from '../../testing/service.ts';
import { startThings } from '../../testing/things.ts';

let service: TestService;
beforeAll(async () => {
  service = await startThings({ error: new Error('wanted') });
  await eventually(() => service.api.get('/readyz').expect(200));
});
afterAll(() => service.stop());

/** Name, labels and value of every sample. */
async function scrape(): Promise<{ name: string; labels: Record<string, string>; value: number }[]> {
  const { text } = await service.api.get('/metrics').expect(200);
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [
        label,
        text,
      ]);
      return { name, labels: Object.fromEntries(pairs), value: Number(value) };
    });
}

test('the text format, with help and type', async () => {
  const { text, headers } = await service.api.get('/metrics').expect(200);
  expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  for (const name of [
    'http_request_duration_seconds',
    'http_requests_in_flight',
    'db_pool_size',
    'db_pool_idle',
    'db_pool_waiting',
    'build_info',
    'nodejs_eventloop_utilization',
    'nodejs_eventloop_lag_seconds',
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
  ])
    expect(text).toMatch(new RegExp(`^# TYPE ${name} `, 'm'));
});

test('requests by method, route pattern and status class, in few buckets', async () => {
  await service.api.get('/things').expect(200);
  await service.api.head('/things').expect(200);
  await service.api.post('/things').send({}).expect(422);
  await service.api.get('/trouble/throw').expect(500);
  const samples = (await scrape()).filter(({ name }) => name.startsWith('http_request_duration_seconds'));
  const counts = samples.filter(({ name }) => name.endsWith('_count')).map(({ labels }) => labels);
  for (const [method, route, status] of [
    ['GET', '/things', '2xx'],
    ['HEAD', '/things', '2xx'],
    ['POST', '/things', '4xx'],
    ['GET', '/trouble/throw', '5xx'],
  ])
    expect(counts).toContainEqual({ service: 'things', method, route, status });
  const bounds = new Set(
    samples.filter(({ name }) => name.endsWith('_bucket')).map(({ labels }) => labels.le),
  );
  expect([...bounds]).toEqual(['0.005', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '+Inf']);
});

test('probes and scrapes are not counted', async () => {
  await service.api.get('/livez').expect(200);
  expect((await scrape()).filter(({ labels }) => /livez|readyz|metrics/.test(labels.route ?? ''))).toEqual(
    [],
  );
});

test('what runs, and how busy it is', async () => {
  await service.api.get('/things').expect(200);
  const samples = await scrape();
  const value = (name: string) => samples.find((each) => each.name === name)?.value;
  expect(samples.find(({ name }) => name === 'build_info')).toEqual({
    name: 'build_info',
    labels: { service: 'things', version: expect.stringMatching(/^\d+\.\d+\.\d+/), revision: 'test' },
    value: 1,
  });
  expect(value('db_pool_size')).toBeGreaterThan(0);
  expect(value('db_pool_idle')).toBe(value('db_pool_size'));
  expect(value('db_pool_waiting')).toBe(0);
  expect(value('http_requests_in_flight')).toBe(0);
  expect(value('nodejs_eventloop_utilization')).toBeGreaterThan(0);
  expect(value('nodejs_eventloop_utilization')).toBeLessThanOrEqual(1);
});
