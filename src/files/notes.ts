import type { Paths } from '../formats/inventory/file-tree.ts';

/** So many paths of a kind are kept by name. */
const MOST_PATHS = 1_000;

/** What was not stored, or not as it was when it was listed. */
export class Notes {
  readonly changed: Paths = { count: 0, first: [] };
  readonly vanished: Paths = { count: 0, first: [] };
  readonly special: Paths = { count: 0, first: [] };

  add(kind: 'changed' | 'vanished' | 'special', path: string): void {
    const paths = this[kind];
    paths.count++;
    if (paths.first.length < MOST_PATHS) paths.first.push(path);
  }
}
