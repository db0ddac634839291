import type { TableFacts } from '../inventory/inventory.ts';
import type { ListedBackup, ListedTest } from '../listing.ts';
import { filesOf } from '../manifest.ts';
import { MANIFEST_FILE } from '../names.ts';
import type { ManifestState } from '../state.ts';
import type { Requirements } from './rule.ts';

/** How many backups are looked into. Of the others the listing alone is known. */
export const NEWEST = 30;

/** What is known of one set in one store. */
export interface SetFacts {
  name: string;
  /** All that the listing shows, newest first. */
  backups: ListedBackup[];
  /** Those that have a manifest and are not from the future, newest first, at most {@link NEWEST}. */
  newest: ScannedBackup[];
  /** The newest whose last restore test passed, as far as its record counts. */
  proven: ScannedBackup | null;
  tests: TestFacts;
  chain: ChainFacts;
  rows: RowsFacts;
  /** Other sets that there may be, when this one has no backups. */
  otherSets: string[];
}

/** A backup that was looked into. */
export interface ScannedBackup {
  listed: ListedBackup;
  /** What is stored of it: names in its folder, and bytes. */
  files: { key: string; size: number }[];
  manifest: ManifestState;
  /** Hex; null: it may not be read. */
  manifestSha256: string | null;
}

export interface TestFacts {
  /** The newest restore test whose record counts. */
  newest: ListedTest | null;
  /** Newer records that do not count, and why. */
  uncounted: string[];
  /** Backups of whose tests the time lies ahead. */
  fromFuture: string[];
}

export interface ChainFacts {
  /** Backups that prune records name, of those that are missing. */
  pruned: { id: string; manifestSha256: string | null }[];
  /** Prune records that do not count, and why. */
  uncounted: string[];
  /** Why not every prune record was read; null: all were, as far as they were needed. */
  unread: string | null;
}

/** The rows of the newest backup's tables, and of those of the one before it. */
export type RowsFacts =
  | { kind: 'not-asked' }
  | { kind: 'unknown'; why: string; next: string }
  /** An inventory cannot be read back as it was written. */
  | { kind: 'damaged'; why: string }
  | { kind: 'read'; newest: InventoryFacts; before: InventoryFacts };

export interface InventoryFacts {
  id: string;
  tables: Pick<TableFacts, 'schema' | 'name' | 'rows' | 'partition'>[];
}

/** A folder without a manifest is no backup. */
export function isCommitted({ missing }: ListedBackup): boolean {
  return !missing.includes(MANIFEST_FILE);
}

/** Where the stored files are not what the manifest says, or what the listing lacks when that is not known. */
export function damageOf({ listed, files, manifest }: ScannedBackup): string[] {
  if (manifest.kind !== 'good') return listed.missing.map((file) => `${file} is missing`);
  const stored = new Map(files.map(({ key, size }) => [key, size]));
  return filesOf(manifest.manifest).flatMap(({ key, size }) => {
    const found = stored.get(key) ?? 0;
    if (found === size) return [];
    return [found === 0 ? `${key} is missing or empty` : `${key} has ${found} bytes, the manifest says ${size}`];
  });
}

/** Whether a backup may be relied on, as far as names, sizes and its manifest tell. */
export function isValid(backup: ScannedBackup, { signed }: Pick<Requirements, 'signed'>): boolean {
  const { kind } = backup.manifest;
  const isKnown = kind === 'good' || (kind === 'denied' && !signed);
  return isKnown && damageOf(backup).length === 0;
}

export function validBackups(newest: ScannedBackup[], requirements: Pick<Requirements, 'signed'>): ScannedBackup[] {
  return newest.filter((backup) => isValid(backup, requirements));
}
