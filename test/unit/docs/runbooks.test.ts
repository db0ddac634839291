import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { fileOf, PAGES, RUNBOOKS, readBlocks } from '../../support/runbooks/runbook.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..', '..');

/** The tests that run blocks, each by page and name. */
const TESTS = [
  'test/e2e/runbooks.test.ts',
  'test/e2e/getting-started.test.ts',
  'test/integration/docs/disk-encryption.test.ts',
];

test('every page is one of those that are tested', () => {
  expect(readdirSync(join(REPOSITORY, 'docs', 'runbooks')).sort()).toEqual(RUNBOOKS.map((page) => `${page}.md`).sort());
});

describe.each(PAGES)('%s', (page) => {
  const blocks = readBlocks(page);
  const text = readFileSync(fileOf(page), 'utf8');

  test('each block of commands is run by a test, or the page says that it is not', () => {
    const tests = TESTS.map((file) => readFileSync(join(REPOSITORY, file), 'utf8')).join('\n');
    const names = new Set(blocks.map(({ name }) => name).filter(Boolean));
    expect([...names].filter((name) => !tests.includes(`'${page}', '${name}'`))).toEqual([]);
    expect(blocks.length).toBeGreaterThan(5);
    expect(text).toContain('## What of this page is tested');
  });
});
