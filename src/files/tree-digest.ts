import { createHash } from 'node:crypto';
import type { TreeCounts } from '../formats/inventory/file-tree.ts';
import { archiveName, type Entry } from './entry.ts';

/** Counts the entries of an archive and makes one digest of them all, in their order (docs/format.md). */
export class TreeDigest {
  readonly counts: TreeCounts = { files: 0, folders: 0, links: 0, bytes: 0 };
  readonly #hash = createHash('sha256');

  /** `sha256`: of a file's content, hex; else empty. */
  add(entry: Entry, sha256: string): void {
    const { type, mode, uid, gid, size, target } = entry;
    this.counts[`${type}s`]++;
    this.counts.bytes += size;
    // No field can hold a NUL: paths and targets are text of the file system.
    const fields = [type, archiveName(entry), mode.toString(8), uid, gid, size, sha256, target];
    this.#hash.update(fields.map((field) => `${field}\0`).join(''));
  }

  /** Hex. To be called once, at the end. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}
