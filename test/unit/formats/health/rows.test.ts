import { expect, test } from '@jest/globals';
import type { InventoryFacts, RowsFacts } from '../../../../src/formats/health/facts.ts';
import { compareRows, rows } from '../../../../src/formats/health/rows.ts';
import type { Outcome } from '../../../../src/formats/health/rule.ts';
import { factsOf, NOTHING_ASKED, NOW } from './facts.ts';
import { randomOf } from './random.ts';

/** Tables of `public` by their names; null: not counted. */
function inventory(id: string, tables: Record<string, number | null>, partitions: string[] = []): InventoryFacts {
  return {
    id,
    tables: Object.entries(tables).map(([name, count]) => ({
      schema: 'public',
      name,
      rows: count === null ? null : String(count),
      partition: partitions.includes(name),
    })),
  };
}

function judge(facts: RowsFacts, maxShrink: number | null = 40): Outcome {
  return rows.judge(factsOf([], {}, { rows: facts }), { ...NOTHING_ASKED, maxShrink }, NOW);
}

function compared(
  before: Record<string, number | null>,
  newest: Record<string, number | null>,
  partitions: string[] = [],
): RowsFacts {
  return {
    kind: 'read',
    before: inventory('before', before, partitions),
    newest: inventory('newest', newest, partitions),
  };
}

test.each<[string, RowsFacts, string]>([
  ['as many', compared({ a: 10 }, { a: 10 }), 'passed'],
  ['40 % fewer', compared({ a: 10 }, { a: 6 }), 'passed'],
  ['more than 40 % fewer', compared({ a: 10 }, { a: 5 }), 'failed'],
  ['many more', compared({ a: 10 }, { a: 1000 }), 'passed'],
  ['none where there were none', compared({ a: 0 }, { a: 0 }), 'passed'],
  ['a table that is gone with its rows', compared({ a: 10, b: 10 }, { b: 10 }), 'failed'],
  ['an empty table that is gone', compared({ a: 0, b: 10 }, { b: 10 }), 'passed'],
  ['a partition that was dropped', compared({ p: 10, b: 10 }, { b: 10 }, ['p']), 'passed'],
  ['a partition that was emptied', compared({ p: 10, b: 10 }, { p: 0, b: 10 }, ['p']), 'failed'],
  ['a table that nobody could count', compared({ a: 10, b: null }, { a: null, b: 10 }), 'passed'],
  ['a new table', compared({ a: 10 }, { a: 10, b: 0 }), 'passed'],
])('%s', (_, facts, status) => {
  expect(judge(facts)).toMatchObject({ status });
});

test('what is lost is said first, and what came and went', () => {
  expect(judge(compared({ a: 4000, b: 10, c: 0 }, { a: 1000, d: 5 }))).toEqual({
    status: 'failed',
    found: [
      'public.a had 4,000 rows and has 1,000.',
      'public.b had 10 rows and is gone.',
      'newest has 1,005 rows in 2 tables; before, the one before, has 4,010 rows in 3 tables.',
      '2 tables are gone.',
      '1 table is new.',
    ],
    next: expect.stringContaining('Keep the older backups'),
  });
});

test('without max-shrink only tables that have lost everything are told, and that is a warning', () => {
  expect(judge(compared({ a: 10, b: 10 }, { a: 1, b: 10 }), null)).toMatchObject({ status: 'passed' });
  expect(judge(compared({ a: 10, b: 10 }, { a: 0, b: 10 }), null)).toMatchObject({
    status: 'warning',
    found: expect.arrayContaining(['public.a had 10 rows and has 0.']),
  });
});

test.each<[RowsFacts, string]>([
  [{ kind: 'not-asked' }, 'off'],
  [{ kind: 'unknown', why: 'No key.', next: 'Give one.' }, 'not-evaluated'],
  [{ kind: 'damaged', why: 'Part inventory is missing.' }, 'failed'],
])('%j is %s', (facts, status) => {
  expect(judge(facts)).toMatchObject({ status });
});

test('counts beyond what a number holds are said exactly', () => {
  const facts = compared({}, {});
  const huge = { schema: 's', name: 't', rows: '9007199254740993', partition: false };
  if (facts.kind === 'read') facts.before.tables = [huge];
  expect(judge(facts).found[0]).toBe('s.t had 9,007,199,254,740,993 rows and is gone.');
});

/* Names that only look alike when they are joined. */
test('schema and name are two things', () => {
  const table = (schema: string, name: string, count: number) => ({ schema, name, rows: `${count}`, partition: false });
  const before = { id: 'before', tables: [table('a.b', 'c', 10), table('a', 'b.c', 0)] };
  const newest = { id: 'newest', tables: [table('a', 'b.c', 10), table('a.b', 'c', 0)] };
  expect(compareRows(before, newest, 40).lost).toEqual(['a.b.c had 10 rows and has 0.']);
});

test('random tables: exactly those are lost that have fewer than they must', () => {
  const random = randomOf(7);
  for (let round = 0; round < 500; round++) {
    const names = Array.from({ length: 1 + random(8) }, (_, index) => `t${index}`);
    const percent = random(100);
    const before = Object.fromEntries(names.map((name) => [name, random(50)]));
    const newest = Object.fromEntries(names.map((name) => [name, random(50)]));
    const lost = names.filter((name) => {
      const [then = 0, now = 0] = [before[name], newest[name]];
      return then > 0 && ((then - now) / then) * 100 > percent + 1e-9;
    });
    const told = compareRows(inventory('b', before), inventory('n', newest), percent).lost;
    expect(told.map((text) => /^public\.(\w+)/.exec(text)?.[1])).toEqual(lost);
    // Nothing is lost beside itself, and in either order nothing is both lost and grown.
    expect(compareRows(inventory('b', before), inventory('b', before), percent).lost).toEqual([]);
  }
});
