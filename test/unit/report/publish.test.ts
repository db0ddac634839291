import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { publishFailure } from '../../../src/app/publish.ts';
import { actionsReporter } from '../../../src/report/reporter.ts';

const file = join(tmpdir(), `lifeboat-summary-${crypto.randomUUID()}.md`);
const before = process.env.GITHUB_STEP_SUMMARY;

beforeEach(() => {
  writeFileSync(file, '');
  process.env.GITHUB_STEP_SUMMARY = file;
});

afterEach(() => {
  rmSync(file);
  if (before === undefined) delete process.env.GITHUB_STEP_SUMMARY;
  else process.env.GITHUB_STEP_SUMMARY = before;
});

test('A6: a summary that the runner would drop is cut, by its bytes', async () => {
  await publishFailure('A long story', '表'.repeat(600_000), actionsReporter);
  const written = readFileSync(file);
  expect(written.length).toBeGreaterThan(900_000);
  expect(written.length).toBeLessThan(1024 * 1024);
  expect(written.toString('utf8')).toMatch(/^## ❌ A long story.*\(cut\)\n$/s);
});

test('any other is whole', async () => {
  await publishFailure('Short', '表'.repeat(1000), actionsReporter);
  expect(readFileSync(file, 'utf8')).toBe(`## ❌ Short\n\n${'表'.repeat(1000)}\n`);
});
