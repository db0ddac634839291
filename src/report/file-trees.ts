import type { Paths, TreeCounts } from '../formats/inventory/file-tree.ts';
import { countOf, formatBytes, formatCount } from '../units.ts';

/** `1,234 files in 56 folders, 1 link, 1.4 GB` */
export function treeSize({ files, folders, links, bytes }: TreeCounts): string {
  return `${countOf(files, 'file')} in ${countOf(folders, 'folder')}, ${countOf(links, 'link')}, ${formatBytes(bytes)}`;
}

/** What is to be said of how a tree was read, one thing each; empty when nothing is. */
export function treeNotes({ changed, vanished, special }: Record<'changed' | 'vanished' | 'special', Paths>): string[] {
  const note = (what: string, { count, first }: Paths) =>
    count === 0 ? [] : [`${what}: ${formatCount(count)} (${firstOf(first, count)})`];
  return [
    ...note('changed while they were read', changed),
    ...note('gone before they could be read', vanished),
    ...note('left out, for they are sockets, pipes or devices', special),
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
