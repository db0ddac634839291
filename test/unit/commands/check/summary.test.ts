import { expect, test } from '@jest/globals';
import { type CheckReport, resultOf } from '../../../../src/commands/check/report.ts';
import { checkLines, checkMessage, checkSummary } from '../../../../src/commands/check/summary.ts';
import type { Result } from '../../../../src/formats/health/examine.ts';

const NO_TREND = { backups: [], tests: [], missing: null };

function report(...results: (Partial<Result> & Pick<Result, 'status'>)[]): CheckReport {
  const set = { name: 'shop', newest: null, newestProven: null, backups: [], trend: NO_TREND };
  const all = results.map((result, index) => ({ rule: `rule ${index}`, found: ['It is so.'], next: null, ...result }));
  const stores = [{ url: 's3://bucket/', error: null, results: [], sets: [{ ...set, results: all }] }];
  const time = '2026-11-21T02:00:00.000Z';
  const result = resultOf(stores);
  return { command: 'check', result, name: 'shop', started: time, finished: time, duration: 5, stores };
}

test.each<[Result['status'][], CheckReport['result']]>([
  [[], 'passed'],
  [['passed', 'off'], 'passed'],
  [['passed', 'warning'], 'warning'],
  [['passed', 'not-evaluated'], 'warning'],
  [['warning', 'failed', 'not-evaluated', 'passed'], 'failed'],
])('%j is %s', (statuses, result) => {
  expect(report(...statuses.map((status) => ({ status }))).result).toBe(result);
});

test.each<[Result['status'][], string]>([
  [['passed', 'off'], '## ✅ All checks passed'],
  [['passed', 'warning', 'warning'], '## ⚠️ Needs attention: 2 warnings'],
  [['warning', 'not-evaluated'], '## ⚠️ Needs attention: 1 warning, 1 not evaluated'],
  [['failed', 'warning'], '## ❌ 1 check failed: rule 0'],
  [['failed', 'passed', 'failed'], '## ❌ 2 checks failed: rule 0, rule 2'],
])('the headline of %j is a verdict with numbers and names', (statuses, headline) => {
  expect(checkSummary(report(...statuses.map((status) => ({ status }))), []).split('\n')[0]).toBe(headline);
});

test('the headline names a rule that fails in two sets once, and a name from outside is text', () => {
  const failed = report({ status: 'failed', rule: '<b>' }, { status: 'failed', rule: '<b>' });
  expect(checkSummary(failed, [])).toMatch(/^## ❌ 2 checks failed: &#60;b&#62;\n/);
});

test('a store that could not be checked is red', () => {
  const broken = { url: 's3://bucket', error: 'It does not exist. Correct its name.', results: [], sets: [] };
  expect(resultOf([broken])).toBe('failed');
  expect(checkMessage({ ...report(), result: 'failed', stores: [broken] })).toBe(
    's3://bucket: store: It does not exist. Correct its name.',
  );
});

test('the annotation says where, which rule, what and what next; of one kind, and not without end', () => {
  expect(checkMessage(report({ status: 'passed' }, { status: 'off' }))).toBeNull();
  const mixed = report({ status: 'warning', next: 'Look.' }, { status: 'failed', next: 'Mend it.' });
  expect(checkMessage(mixed)).toBe('s3://bucket/shop: rule 1: It is so. Mend it.');
  expect(checkMessage(report({ status: 'not-evaluated', next: 'Give a key.' }))).toBe(
    's3://bucket/shop: rule 0 could not be evaluated: It is so. Give a key.',
  );
  const many = checkMessage(report(...Array(20).fill({ status: 'failed' })));
  expect(many).toMatch(/rule 4: It is so\. And 15 more, see the job summary\.$/);
});

test('the summary is one table, the worst first; what was not asked for is one line', () => {
  const summary = checkSummary(
    report(
      { status: 'passed' },
      { status: 'off', found: ['max-age'] },
      { status: 'not-evaluated' },
      { status: 'failed' },
    ),
    ['A note.'],
  );
  expect([...summary.matchAll(/<td>([^<]*)<\/td><td>rule/g)].map(([, symbol]) => symbol)).toEqual([
    '❌',
    '⚠️ not evaluated',
    '✅',
  ]);
  expect(summary.match(/<table>/g)).toHaveLength(1);
  expect(summary).toContain('Not asked for: rule 1 (max-age).');
  expect(summary).toContain('A note.');
});

test('what was found is cut, in log and summary, and is text', () => {
  const found = Array.from({ length: 100 }, (_, index) => `<b>t${index}</b>\n::error::x`);
  const all = report({ status: 'failed', found, next: '<i>' });
  const summary = checkSummary(all, []);
  expect(summary).not.toMatch(/<b>|<i>|^::/m);
  expect(summary).toContain('… and 95 more, see the JSON report.');
  for (const line of checkLines(all)) expect(line).not.toMatch(/\n|^\s*::/);
  expect(checkMessage(all)).not.toContain('\n');
});
