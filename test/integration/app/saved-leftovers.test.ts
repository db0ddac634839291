import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readNamedValues } from '../../support/action/runner-files.ts';

const SOURCES = join(import.meta.dirname, '..', '..', '..', 'src');

/** Saves lists of so many leftovers one after the other, with room for 1 KiB in the state's file. */
function save(lengths: number[], before = ''): { file: string; printed: string } {
  const file = join(mkdtempSync(join(tmpdir(), 'state-')), 'state');
  writeFileSync(file, before);
  const program = `
    const { leftoversSaver } = await import('${join(SOURCES, 'app', 'saved-leftovers.ts')}');
    const save = leftoversSaver(console.log);
    for (const length of ${JSON.stringify(lengths)}) save(Array(length).fill({ kind: 'after' }));`;
  const words = ['-c', 'ulimit -f 2; exec "$0" --input-type=module -e "$1"', process.execPath, program];
  const { stdout, stderr } = spawnSync('sh', words, { env: { GITHUB_STATE: file }, encoding: 'utf8' });
  expect(stderr).toBe('');
  return { file, printed: stdout };
}

const lengthOf = (file: string) => (JSON.parse(readNamedValues(file).leftovers ?? '[]') as unknown[]).length;

test('the last list is the one that the runner takes', () => {
  const { file, printed } = save([1, 2, 0, 3]);
  expect(lengthOf(file)).toBe(3);
  expect(printed).toBe('');
});

test('no room for the history: the last list alone is saved', () => {
  const { file, printed } = save([20, 30, 25]);
  expect(lengthOf(file)).toBe(25);
  expect(printed).toBe('');
});

test('no room even for that: nothing is saved, no half of an entry, and one warning', () => {
  const { file, printed } = save([90, 91], 'other=state\n');
  expect(readFileSync(file, 'utf8')).toBe('other=state\n');
  expect(printed).toMatch(/^Cannot save state for the post step: EFBIG.*\n$/);
});

test('room again: it is saved', () => {
  const { file, printed } = save([1, 90, 2]);
  expect(lengthOf(file)).toBe(2);
  expect(printed).toMatch(/^Cannot save/);
});
