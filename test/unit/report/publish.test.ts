import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { actionsOutlet } from '../../../src/report/outlet.ts';
import { publishFailure } from '../../../src/report/publish.ts';

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
  await publishFailure('A long story', '表'.repeat(600_000), actionsOutlet);
  const written = readFileSync(file);
  expect(written.length).toBeGreaterThan(900_000);
  expect(written.length).toBeLessThan(1024 * 1024);
  expect(written.toString('utf8')).toMatch(/^## ❌ A long story.*\(cut\)\n$/s);
});

test('any other is whole', async () => {
  await publishFailure('Short', '表'.repeat(1000), actionsOutlet);
  expect(readFileSync(file, 'utf8')).toBe(`## ❌ Short\n\n${'表'.repeat(1000)}\n`);
});
