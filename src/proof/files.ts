import type { TreeCounts, TreeFacts } from '../formats/inventory/file-tree.ts';
import { countOf } from '../units.ts';
import { type Compared, emptyComparison } from './circumstances.ts';

/** The archive of a file tree, as it was read back, against what was stored. */
export function compareTree(expected: TreeFacts, read: TreeCounts & { digest: string }): Compared {
  const result = emptyComparison();
  const { label, changed } = expected;
  const differ = (message: string) =>
    result.findings.push({ severity: 'failed', kind: 'file tree', object: label, message });
  if (describeCounts(expected) !== describeCounts(read))
    differ(`It held ${describeCounts(expected)}; its archive holds ${describeCounts(read)}.`);
  else if (expected.digest !== read.digest) {
    differ(
      'The numbers are right, but the digest of names, modes, owners, links and contents differs from what was stored.',
    );
  } else {
    result.verified.push(
      `File tree ${label}: ${describeCounts(read)}, by a digest of names, modes, owners, links and contents`,
    );
  }
  if (changed.count > 0) {
    result.notVerified.push(
      `File tree ${label}: changed while they were read, so that what is stored may be of two moments: ${countOf(changed.count, 'file')}.`,
    );
  }
  return result;
}

function describeCounts({ files, folders, links, bytes }: TreeCounts): string {
  return `${countOf(files, 'file')}, ${countOf(folders, 'folder')}, ${countOf(links, 'link')}, ${countOf(bytes, 'byte')}`;
}
