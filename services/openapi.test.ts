import { doctorService } from './doctor/app.ts';
import { patientService } from './patient/app.ts';
import type { Database } from './shared/db/database.ts';
import { createLog } from './shared/log/log.ts';
import { createMetrics } from './shared/metrics/metrics.ts';
import { openApiDocument } from './shared/openapi/openapi.ts';
import { openApiFaults } from './testing/openapi-faults.ts';

const notAsked = () => Promise.reject(new Error('the database was asked'));
const db: Database = {
  query: notAsked,
  tx: notAsked,
  warm: notAsked,
  load: () => ({ size: 0, idle: 0, waiting: 0 }),
  close: () => Promise.resolve(),
};

describe.each([
  ['patient', patientService({ doctorServiceUrl: 'http://127.0.0.1:9' })],
  ['doctor', doctorService()],
])('the %s service’s OpenAPI document', (_name, { title, description, build }) => {
  const metrics = createMetrics({
    service: 'test',
    version: '0',
    revision: '0',
    requestsInFlight: () => 0,
    isReady: () => true,
    isDatabaseUp: () => true,
    databaseLoad: db.load,
  });
  const { endpoints, background = [] } = build({ db, log: createLog('test', 'silent'), metrics });
  const document = openApiDocument(title, '0', description, endpoints);
  afterAll(async () => {
    for (const part of background) await part.stop();
  });

  test('is valid OpenAPI 3.1, and every schema in it says something', () => {
    expect(openApiFaults(document)).toEqual([]);
  });

  test('holds every endpoint, each once', () => {
    const { paths } = document as { paths: Record<string, object> };
    const documented = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = endpoints.map(({ method, path }) => `${method} ${path.replace(/:([A-Za-z]+)/g, '{$1}')}`);
    expect(documented.sort()).toEqual(served.sort());
    expect(new Set(served).size).toBe(served.length);
    expect(served.length).toBeGreaterThan(15);
  });
});
