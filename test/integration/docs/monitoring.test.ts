import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { METRICS } from '../../../src/notify/samples.ts';
import { checkRules, testRules } from '../../support/servers/prometheus.ts';
import { runFolder } from '../../support/servers/run.ts';

const DOCS = join(import.meta.dirname, '..', '..', '..', 'docs');
const read = (file: string) => readFileSync(join(DOCS, file), 'utf8');

interface Dashboard {
  panels: { id: number; title: string; targets: { expr: string }[] }[];
  templating: { list: { name: string; query: unknown }[] };
}

const rules = read('monitoring/alerts.yml');
const dashboard = JSON.parse(read('monitoring/dashboard.json')) as Dashboard;
const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

function metricsIn(text: string): string[] {
  return [...new Set(text.match(/\blifeboat_\w+/g))];
}

describe('alert rules', () => {
  test('each fires and stays silent where it should', async () => {
    await checkRules(join(DOCS, 'monitoring/alerts.yml'));
    expect(await testRules(join(DOCS, 'monitoring/alerts_test.yml'))).toContain('SUCCESS');
  });

  test('each is tested both ways', () => {
    const { groups } = parse(rules) as { groups: { rules: { alert: string }[] }[] };
    const { tests } = parse(read('monitoring/alerts_test.yml')) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
    };
    const cases = tests.flatMap((one) => one.alert_rule_test);
    const tested = (fires: boolean) =>
      new Set(cases.filter(({ exp_alerts }) => exp_alerts.length > 0 === fires).map(({ alertname }) => alertname));
    const alerts = groups.flatMap((group) => group.rules.map(({ alert }) => alert)).sort();
    expect(alerts.length).toBeGreaterThan(4);
    expect([...tested(true)].sort()).toEqual(alerts);
    expect([...tested(false)].sort()).toEqual(alerts);
  });
});

describe('the dashboard', () => {
  test('has panels with different ids, each with a query that Prometheus understands', async () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const { targets } of dashboard.panels) expect(targets.length).toBeGreaterThan(0);
    const records = expressions.map((expr, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$set', '.*'),
    }));
    const file = join(mkdtempSync(join(runFolder(), 'dashboard-')), 'rules.yml');
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: records }] }));
    expect(await checkRules(file)).toContain(`${expressions.length} rules found`);
  });

  test('shows the sets that there are', () => {
    expect(JSON.stringify(dashboard.templating)).toContain(
      'label_values(lifeboat_last_attempt_timestamp_seconds, set)',
    );
  });
});

test.each([
  ['alerts.yml', rules],
  ['dashboard.json', JSON.stringify(dashboard)],
])('every metric that %s names is one that is written', (_, text) => {
  const named = metricsIn(text);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !(name in METRICS))).toEqual([]);
});

test('the dashboard shows, and the guide describes, every metric', () => {
  expect(metricsIn(expressions.join('\n')).sort()).toEqual(
    Object.keys(METRICS)
      .filter((name) => name !== 'lifeboat_last_attempt_timestamp_seconds')
      .sort(),
  );
  const described = [...read('monitoring.md').matchAll(/^\| `(lifeboat_\w+)` \|/gm)].map(([, name]) => name);
  expect(described).toEqual(Object.keys(METRICS));
});
