import { expect, test } from '@jest/globals';
import { PathSet } from '../../../src/files/path-set.ts';
import { compareReferences } from '../../../src/proof/file-references.ts';

async function* rows(...paths: unknown[]): AsyncGenerator<Record<string, unknown>[]> {
  for (const path of paths) yield [{ path, other: 'x' }];
}

function tree(...paths: string[]): (path: string) => boolean {
  const set = new PathSet();
  for (const path of paths) set.add(path);
  return (path) => set.has(path);
}

test('every file that is named is there; where none is named, none is looked for', async () => {
  const found = await compareReferences('uploads', rows('a', 'b/c', null, ''), tree('a', 'b', 'b/c', 'd'));
  expect(found.findings).toEqual([]);
  expect(found.verified).toEqual(['File tree uploads: every file that the database names is in it, 2 in all']);
});

test('ten that are missing are named, the others counted', async () => {
  const missing = Array.from({ length: 1_012 }, (_, index) => `x${index}`);
  const { findings, verified } = await compareReferences('uploads', rows('a', ...missing), tree('a'));
  expect(findings).toEqual([
    {
      severity: 'failed',
      kind: 'file reference',
      object: 'uploads',
      message: `Not in the tree are 1,012 of the 1,013 files that the database names: ${missing
        .slice(0, 10)
        .map((path) => `"${path}"`)
        .join(', ')} and 1,002 more.`,
    },
  ]);
  expect(verified).toEqual([]);
});

test('paths are compared by their letters', async () => {
  const { findings } = await compareReferences('uploads', rows('/a', 'A', './a', 'a/'), tree('a'));
  expect(findings[0]?.message).toMatch(
    /^Not in the tree are 4 of the 4 files that the database names: "\/a", "A", ".\/a", "a\/"\.$/,
  );
});

test('a query that fails is a finding', async () => {
  async function* failing(): AsyncGenerator<Record<string, unknown>[]> {
    yield [{ path: 'a' }];
    throw new Error('canceling statement due to statement timeout (SQLSTATE 57014)');
  }
  const { findings } = await compareReferences('uploads', failing(), tree('a'));
  expect(findings[0]?.message).toBe('Its query failed: canceling statement due to statement timeout (SQLSTATE 57014).');
});
