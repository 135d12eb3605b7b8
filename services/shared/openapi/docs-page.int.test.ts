import type { TestService } from '../../testing/service.ts';
import { startThings } from '../../testing/things.ts';

let service: TestService;
beforeAll(async () => {
  service = await startThings();
});
afterAll(() => service.stop());

test('GET /openapi.json is the document of what is served', async () => {
  const { body, headers } = await service.api.get('/openapi.json').expect(200);
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  expect(body).toMatchObject({ openapi: '3.1.0', info: { title: 'Things' }, servers: [{ url: '/' }] });
  expect(Object.keys(body.paths)).toContain('/things/{id}');
});

test('GET /docs is a page whose every file comes from here', async () => {
  const { text, headers } = await service.api.get('/docs').expect(200);
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
  expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; /);
  expect(text).toContain('<title>Things</title>');
  const files = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file ?? '');
  expect(files).toEqual(['docs/swagger-ui.css', 'docs/swagger-ui-bundle.js', 'docs/start.js']);
  for (const file of files) {
    const answer = await fetch(new URL(file, `${service.url}/docs`));
    expect([file, answer.status, answer.headers.get('cache-control')]).toEqual([file, 200, 'max-age=3600']);
    expect(answer.headers.get('content-type')).toMatch(
      file.endsWith('.css') ? /^text\/css/ : /^text\/javascript/,
    );
  }
  const { text: start } = await service.api.get('/docs/start.js').expect(200);
  expect(text + start).not.toMatch(/\/\//);
  expect(start).toContain("url: 'openapi.json'");
  expect((await service.api.get('/docs/swagger-ui.css')).text).not.toMatch(/@import|url\((?!["']?data:)/);
});

test('404 for /docs/, from which the page’s files would not be found', async () => {
  await service.api.get('/docs/').expect(404);
  await service.api.get('/docs/../../package.json').expect(404);
  await service.api.get('/docs/package.json').expect(404);
});
