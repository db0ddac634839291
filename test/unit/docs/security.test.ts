import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readPage } from '../../../scripts/docs/page.ts';
import { tableRows } from './references.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..', '..');
const PAGE = 'docs/security.md';

/** Every test file that the page links to, below the repository. */
const linked = readPage(join(REPOSITORY, PAGE))
  .links.map(({ href }) => relative(REPOSITORY, join(REPOSITORY, dirname(PAGE), href)))
  .filter((path) => path.endsWith('.test.ts'));

test('every test file that the page names exists', () => {
  expect(linked.length).toBeGreaterThan(20);
  expect([...new Set(linked)].filter((path) => !existsSync(join(REPOSITORY, path)))).toEqual([]);
});

test('the page names every security test', () => {
  const files = readdirSync(join(REPOSITORY, 'test', 'integration', 'security')).filter((file) =>
    file.endsWith('.test.ts'),
  );
  expect(files.filter((file) => !linked.includes(`test/integration/security/${file}`))).toEqual([]);
});

describe('the table of attackers', () => {
  const attackers = tableRows(PAGE).filter(([holder = '']) => holder.startsWith('**'));

  test('has a row for each thing that an attacker may hold', () => {
    expect(attackers).toHaveLength(15);
  });

  test.each(attackers)('%s: each answer has a test or a reason', (...[, ...answers]) => {
    expect(answers).toHaveLength(5);
    expect(answers.filter((answer) => !/\]\(\.\.\/test\/|\bbecause\b/.test(answer))).toEqual([]);
  });
});
