import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

const components = path.join(import.meta.dirname, '../../k8s/components');

/** The rules that Prometheus reads, the operator's object that is made of them, the dashboard, and the rules' own tests. */
export const files = {
  rules: path.join(components, 'prometheus/rules.yaml'),
  ruleTests: path.join(components, 'prometheus/tests'),
  prometheusRule: path.join(components, 'monitoring/prometheus-rule.yaml'),
  dashboard: path.join(components, 'monitoring/clinic.json'),
  manual: path.join(components, '../../docs/operations.md'),
};

type Rule = { expr: string; labels?: Record<string, string>; annotations?: Record<string, string> } & (
  | { record: string; alert?: undefined }
  | { alert: string; record?: undefined }
);

export interface RuleFile {
  groups: { name: string; rules: Rule[] }[];
}

export const readRuleFile = (): RuleFile => parse(readFileSync(files.rules, 'utf8')) as RuleFile;

export const rulesOf = ({ groups }: RuleFile): Rule[] => groups.flatMap(({ rules }) => rules);

interface Panel {
  title: string;
  targets?: { expr: string }[];
}

/** Each question of the dashboard with the title of its panel. */
export function readDashboard(): { title: string; expr: string }[] {
  const { panels } = JSON.parse(readFileSync(files.dashboard, 'utf8')) as { panels: Panel[] };
  return panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
}

interface RuleTests {
  tests: { alert_rule_test?: { alertname: string; exp_alerts: unknown[] }[] }[];
}

/** Each alert that the rules' own tests name, with how many of it they expect. */
export function readRuleTests(): { alert: string; firing: number }[] {
  return readdirSync(files.ruleTests).flatMap((file) => {
    const { tests } = parse(readFileSync(path.join(files.ruleTests, file), 'utf8')) as RuleTests;
    return tests.flatMap(({ alert_rule_test: expectations = [] }) =>
      expectations.map(({ alertname, exp_alerts: alerts }) => ({ alert: alertname, firing: alerts.length })),
    );
  });
}

/** What a PromQL expression selects: a metric, and the values that it requires of labels. */
export interface Selector {
  metric: string;
  labels: Record<string, string>;
}

const KEYWORDS = new Set(['and', 'or', 'unless', 'bool']);
/** A grouping; a range; a name that is no function's, with its labels. */
const TOKEN =
  /\b(?:by|without|on|ignoring)\s*\(([^)]*)\)|\[[^\]]*\]|(?<![\w.:])([a-zA-Z_:][\w:]*)(?![\w:]|\s*\(|\s*(?:by|without)\b)(?:\s*\{([^}]*)\})?/g;

/** Every selector of an expression, and every label that it groups or joins by. */
export function readExpression(expression: string): { selectors: Selector[]; groupings: string[] } {
  const selectors: Selector[] = [];
  const groupings: string[] = [];
  for (const [, labels, metric, matchers = ''] of expression.matchAll(TOKEN)) {
    if (labels !== undefined) groupings.push(...labels.split(',').map((label) => label.trim()));
    else if (metric !== undefined && !KEYWORDS.has(metric)) {
      const equal = [...matchers.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]);
      selectors.push({ metric, labels: Object.fromEntries(equal) });
    }
  }
  return { selectors, groupings };
}
