import type { Paths, TreeCounts } from '../catalog/file-tree.ts';
import { formatBytes, formatCount } from '../units.ts';

/** `1,234 files in 56 folders, 7 links, 1.4 GB` */
export function treeSize({ files, folders, links, bytes }: TreeCounts): string {
  return `${formatCount(files)} files in ${formatCount(folders)} folders, ${formatCount(links)} links, ${formatBytes(bytes)}`;
}

/** What is to be said of how a tree was read, one thing each; empty when nothing is. */
export function treeNotes({ changed, vanished, special }: Record<'changed' | 'vanished' | 'special', Paths>): string[] {
  const note = ({ count, first }: Paths, what: string) =>
    count === 0 ? [] : [`${formatCount(count)} ${what} (${firstOf(first, count)})`];
  return [
    ...note(changed, 'changed while they were read'),
    ...note(vanished, 'were gone before they could be read'),
    ...note(special, 'sockets, pipes and devices were left out'),
  ];
}

/** So many paths stand in one line. */
const MOST_PATHS = 5;

function firstOf(paths: string[], count: number): string {
  const more = count > MOST_PATHS ? ` and ${formatCount(count - MOST_PATHS)} more` : '';
  return `${paths
    .slice(0, MOST_PATHS)
    .map((path) => JSON.stringify(path))
    .join(', ')}${more}`;
}
