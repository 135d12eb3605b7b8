import {
  readDashboard,
  readExpression,
  readRuleFile,
  rulesOf,
  type Selector,
} from './testing/alert-rules.ts';
import { halfHour, seedDoctor, seedPatient } from './testing/clinic.ts';
import { startDoctor, startPatient, type TestService } from './testing/services.ts';

/** What Prometheus itself adds: as labels of every target, and as series. */
const TARGET_LABELS = ['namespace', 'pod', 'job'];
const OWN_SERIES = ['up'];

const questions = [
  ...rulesOf(readRuleFile()).map(({ alert, record, expr }) => ({ of: alert ?? record, expr })),
  ...readDashboard().map(({ title, expr }) => ({ of: `the panel "${title}"`, expr })),
];

/** Every sample of `/metrics`; the value is of no interest. */
async function scrape({ api }: TestService): Promise<Selector[]> {
  const { text } = await api.get('/metrics').expect(200);
  return [...text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)].map(([, metric = '', labels = '']) => ({
    metric,
    labels: Object.fromEntries(
      [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]),
    ),
  }));
}

let samples: Selector[];

beforeAll(async () => {
  const doctor = await startDoctor();
  const patient = await startPatient({ doctorUrl: doctor.url });
  try {
    const pair = { patientId: await seedPatient(patient), doctorId: await seedDoctor(doctor) };
    await patient.api
      .post('/appointments')
      .send({ ...pair, ...halfHour(0) })
      .expect(201);
    samples = [...(await scrape(patient)), ...(await scrape(doctor))];
  } finally {
    await patient.stop();
    await doctor.stop();
  }
}, 60_000);

/** Nobody exports a failure before there is one. */
const mustBeSeen = (label: string): boolean => label !== 'status' && !TARGET_LABELS.includes(label);

const isExported = ({ metric, labels }: Selector): boolean =>
  samples.some(
    (sample) =>
      sample.metric === metric &&
      Object.entries(labels).every(([name, value]) => !mustBeSeen(name) || sample.labels[name] === value) &&
      Object.keys(labels).every((name) => TARGET_LABELS.includes(name) || Object.hasOwn(sample.labels, name)),
  );

test('rules and panels are read', () => {
  expect(questions.length).toBeGreaterThan(50);
});

test.each(questions)('$of asks for what the services export', ({ expr }) => {
  const { selectors, groupings } = readExpression(expr);
  expect(selectors.length).toBeGreaterThan(0);
  const ofServices = selectors.filter(({ metric }) => !metric.includes(':') && !OWN_SERIES.includes(metric));
  expect(ofServices.filter((selector) => !isExported(selector))).toEqual([]);
  const known = [...TARGET_LABELS, ...samples.flatMap(({ labels }) => Object.keys(labels))];
  expect(groupings.filter((label) => !known.includes(label))).toEqual([]);
});
