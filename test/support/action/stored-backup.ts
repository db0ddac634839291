import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Manifest } from '../../../src/formats/manifest.ts';
import { type PartName, volumeFile } from '../../../src/formats/names.ts';
import { runFolder } from '../servers/run.ts';

/** A folder that is empty, for a `file:` store, and its URL. */
export interface StoreFolder {
  path: string;
  url: string;
}

export function newStoreFolder(): StoreFolder {
  const path = mkdtempSync(join(runFolder(), 'store-'));
  return { path, url: `file://${path}` };
}

/** Every file below the folder, also those whose name begins with a dot, by its path from there. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** A backup as it lies in a folder. */
export interface StoredBackup {
  folder: string;
  /** The names of its files, sorted. */
  files: string[];
  manifest: Manifest;
  manifestSha256: string;
}

export function readBackup(store: StoreFolder, set: string, id: string): StoredBackup {
  const folder = join(store.path, set, id);
  const bytes = readFileSync(join(folder, 'manifest.json'));
  const manifest = JSON.parse(bytes.toString('utf8')) as Manifest;
  return { folder, files: filesBelow(folder), manifest, manifestSha256: sha256(bytes) };
}

/** The path of a part's first volume; those of the others begin with it. */
export function pathOf({ folder }: StoredBackup, part: PartName): string {
  return join(folder, volumeFile(part, 0));
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
