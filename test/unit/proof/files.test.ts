import { expect, test } from '@jest/globals';
import type { TreeFacts } from '../../../src/formats/inventory/file-tree.ts';
import { compareTree } from '../../../src/proof/files.ts';

const none = { count: 0, first: [] };
const tree: TreeFacts = {
  label: 'uploads',
  files: 1_200,
  folders: 30,
  links: 2,
  bytes: 5_000,
  digest: 'a'.repeat(64),
  changed: none,
  vanished: none,
  special: none,
  excluded: [],
};

test('equal: verified, in numbers', () => {
  expect(compareTree(tree, tree)).toEqual({
    findings: [],
    verified: [expect.stringMatching(/^File tree uploads: 1,200 files, 30 folders, 2 links, 5,000 bytes, by a digest/)],
    notVerified: [],
  });
});

test.each(['files', 'folders', 'links', 'bytes'] as const)('another number of %s is a finding', (kind) => {
  const { findings, verified } = compareTree(tree, { ...tree, [kind]: tree[kind] - 1 });
  expect(findings).toEqual([
    {
      severity: 'failed',
      kind: 'file tree',
      object: 'uploads',
      message: expect.stringMatching(/^It held .*; its archive holds/),
    },
  ]);
  expect(verified).toEqual([]);
});

test('the same numbers and another digest is a finding', () => {
  const { findings, verified } = compareTree(tree, { ...tree, digest: 'b'.repeat(64) });
  expect(findings).toEqual([
    expect.objectContaining({ message: expect.stringMatching(/digest.*differs from what was stored/) }),
  ]);
  expect(verified).toEqual([]);
});

test('files that changed while they were read are not verified, and do not lower the verdict', () => {
  const { findings, notVerified } = compareTree({ ...tree, changed: { count: 2, first: ['a', 'b'] } }, tree);
  expect(findings).toEqual([]);
  expect(notVerified).toEqual([
    expect.stringMatching(/^File tree uploads: changed while they were read, .*: 2 files\.$/),
  ]);
});
