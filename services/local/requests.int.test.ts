import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { startDoctor, startPatient, type TestService } from '../testing/services.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { readRoutes } from './ingress.ts';

// What the REST Client extension makes of the file, as far as the file goes.
interface Call {
  title: string;
  name?: string;
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

function parse(file: string): { variables: Map<string, string>; calls: Call[] } {
  const [head = '', ...parts] = file.split(/^### /m);
  const variables = new Map(
    [...head.matchAll(/^@(\w+) = (.+)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  const calls = parts.map((part) => {
    const [top = '', body = ''] = part.split('\n\n');
    const [title = '', ...lines] = top.split('\n').filter((line) => line !== '');
    const name = lines[0]?.startsWith('# @name ') ? lines.shift()?.slice('# @name '.length) : undefined;
    const [, method = '', url = ''] = /^(\S+) (.+)$/.exec(lines.shift() ?? '') ?? [];
    const headers = Object.fromEntries(lines.map((line) => line.split(': ')));
    return { title, ...(name !== undefined && { name }), method, url, headers, body };
  });
  return { variables, calls };
}

const { variables, calls } = parse(read('requests.http'));
const answers = new Map<string, unknown>();
let doctor: TestService;
let patient: TestService;
let gateway: Gateway;

function resolve(text: string): string {
  return text.replace(/\{\{(.+?)\}\}/g, (_match, expression: string) => {
    const [name = '', ...path] = expression.split(/\.response\.body\.\$\.|[.[\]]+/);
    const [kind, format, count] = expression.split(' ');
    if (expression === '$guid') return randomUUID();
    if (kind === '$datetime' && format === 'iso8601')
      return new Date(Date.now() + Number(count) * 86_400_000).toISOString();
    const value = path.reduce<unknown>(
      (part, key) => (part as Record<string, unknown>)?.[key],
      answers.get(name),
    );
    const found = path.length > 0 ? value : variables.get(name);
    if (typeof found !== 'string') throw new Error(`nothing is known of {{${expression}}}`);
    return resolve(found);
  });
}

beforeAll(async () => {
  doctor = await startDoctor();
  patient = await startPatient({ doctorUrl: doctor.url });
  const addressOf = (service: string) => (service === 'patient' ? patient.url : doctor.url);
  gateway = await startGateway({ port: 0, routes: readRoutes(read('k8s/base/ingress.yaml')), addressOf });
  variables.set('clinic', `http://127.0.0.1:${gateway.port}`);
  variables.set('patient', patient.url);
  variables.set('doctor', doctor.url);
});

afterAll(async () => {
  await gateway.stop();
  await patient.stop();
  await doctor.stop();
});

test.each(calls.map((call) => [`${call.method} ${call.url} ${call.title}`, call] as const))(
  '%s',
  async (_name, call) => {
    const answer = await fetch(resolve(call.url), {
      method: call.method,
      headers: Object.entries(call.headers).map(
        ([name, value]) => [name, resolve(value)] as [string, string],
      ),
      ...(call.body.trim() && { body: resolve(call.body) }),
    });
    const text = await answer.text();
    expect([answer.status, text]).toEqual([Number(call.title.split(' ')[0]), text]);
    if (call.name !== undefined) answers.set(call.name, JSON.parse(text));
  },
);

test('every call of both services is there', async () => {
  const shown = calls.map(({ method, url }) => `${method} ${url.replace(/\?.*/, '')}`);
  for (const service of [patient, doctor]) {
    const { paths } = (await (await fetch(`${service.url}/openapi.json`)).json()) as {
      paths: Record<string, object>;
    };
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => ['get', 'put', 'post', 'patch', 'delete'].includes(method))
        .map((method) => ({
          call: `${method.toUpperCase()} ${path}`,
          pattern: path.replace(/\{\w+\}/g, '[^/]+'),
        })),
    );
    const missing = described.filter(
      ({ call, pattern }) =>
        !shown.some((each) =>
          new RegExp(`^${call.split(' ')[0]} \\{\\{\\w+\\}\\}${pattern.replaceAll('.', '\\.')}$`).test(each),
        ),
    );
    expect(missing).toEqual([]);
  }
});
