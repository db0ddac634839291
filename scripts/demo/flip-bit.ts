import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What was changed in a copy of a store. */
export interface FlippedBit {
  /** The copy's folder. */
  store: string;
  file: string;
  /** The byte's place, and the file's size. */
  at: number;
  size: number;
}

/** Copies a store, and flips one bit in the middle of the backup's data there: what a failing disk does. */
export function copyWithFlippedBit(store: string, copy: string, set: string, id: string): FlippedBit {
  cpSync(store, copy, { recursive: true });
  const file = 'data.dump.zst.gpg';
  const path = join(copy, set, id, file);
  const bytes = readFileSync(path);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  return { store: copy, file, at, size: bytes.length };
}
