import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import {
  files,
  readDashboard,
  readExpression,
  readRuleFile,
  readRuleTests,
  rulesOf,
} from './testing/alert-rules.ts';

const ruleFile = readRuleFile();
const rules = rulesOf(ruleFile);
const alerts = rules.flatMap(({ alert, labels, annotations }) =>
  alert === undefined ? [] : [{ alert, labels, annotations }],
);
const names = alerts.map(({ alert }) => alert);

test('the operator’s PrometheusRule has the rules of rules.yaml', () => {
  const header =
    '# Made from ../prometheus/rules.yaml; change that one. services/alerts.test.ts tells how.\n';
  const made =
    header +
    stringify(
      {
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'PrometheusRule',
        metadata: {
          name: 'clinic',
          labels: { 'app.kubernetes.io/name': 'clinic', 'app.kubernetes.io/part-of': 'clinic' },
        },
        spec: ruleFile,
      },
      { lineWidth: 0 },
    );
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(files.prometheusRule, made);
  const present = existsSync(files.prometheusRule) ? readFileSync(files.prometheusRule, 'utf8') : '';
  if (present !== made) {
    const hint = 'Make it again: UPDATE_GOLDEN=1 npm run test:pure -- --testPathPatterns services/alerts';
    expect(`${hint}\n\n${present}`).toBe(`${hint}\n\n${made}`);
  }
});

test('no two alerts share a name', () => {
  expect(names.length).toBeGreaterThan(10);
  expect(new Set(names).size).toBe(names.length);
});

test.each(alerts)('$alert says how urgent it is, what is wrong, and where help stands', (each) => {
  const { alert, labels = {}, annotations = {} } = each;
  expect(['page', 'ticket']).toContain(labels.severity);
  expect(annotations.summary).toMatch(/\.$/);
  expect(annotations.runbook).toBe(`docs/operations.md#${alert.toLowerCase()}`);
});

test('the failure manual has a section for every alert, and for no other', () => {
  const manual = readFileSync(files.manual, 'utf8');
  const [, failures = ''] = manual.split('\n## Alerts\n');
  const [own = ''] = failures.split('\n## ');
  const sections = [...own.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
  expect(sections.toSorted()).toEqual(names.toSorted());
});

test.each(names)('%s has a test in which it fires, and one in which it does not', (name) => {
  const expected = readRuleTests().filter(({ alert }) => alert === name);
  expect(expected.some(({ firing }) => firing > 0)).toBe(true);
  expect(expected.some(({ firing }) => firing === 0)).toBe(true);
});

test('every recorded series is used, and every one that is used is recorded', () => {
  const recorded = rules.flatMap(({ record = [] }) => record);
  const asked = [...rules, ...readDashboard()].flatMap(({ expr }) => readExpression(expr).selectors);
  const used = asked.map(({ metric }) => metric).filter((metric) => metric.includes(':'));
  expect([...new Set(used)].toSorted()).toEqual(recorded.toSorted());
});

test('an expression is read', () => {
  expect(
    readExpression(
      'sum by (le, pod) (rate(a_total{b="c",d=~"e|f",g!="h"}[5m])) > bool 0.5 and on (pod) (x:y:z or absent(up))',
    ),
  ).toEqual({
    selectors: [
      { metric: 'a_total', labels: { b: 'c' } },
      { metric: 'x:y:z', labels: {} },
      { metric: 'up', labels: {} },
    ],
    groupings: ['le', 'pod', 'pod'],
  });
});
