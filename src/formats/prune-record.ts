import { count, list, literal, moment, object, parseChecked, sha256, text } from './checked.ts';
import { isId } from './id.ts';

/**
 * What a prune deletes, and why: `<set>/pruned/<run id>.json`. Format version 1. It is written before the first object
 * goes; nothing deletes or changes it.
 */
export interface PruneRecord {
  format: 1;
  /** Of the run: its start in UTC and a random tail, as a backup's. */
  id: string;
  /** The set. */
  name: string;
  command: 'backup' | 'prune';
  /** UTC, ISO 8601. */
  started: string;
  /** As they are written in a workflow. */
  rules: string;
  /** What spoke against it, and was overruled by `force`. */
  overruled: string[];
  deleted: PrunedBackup[];
  /** Folders without a manifest that are removed too. */
  leftovers: { id: string; files: string[] }[];
  lifeboat: string;
}

export interface PrunedBackup {
  id: string;
  manifestSha256: string;
  /** Bytes. */
  size: number;
  reason: string;
}

const checkRecord = object<PruneRecord>({
  format: literal(1),
  id: text,
  name: text,
  command: literal('backup', 'prune'),
  started: moment,
  rules: text,
  overruled: list(text),
  deleted: list(object<PrunedBackup>({ id: text, manifestSha256: sha256, size: count, reason: text })),
  leftovers: list(object<PruneRecord['leftovers'][number]>({ id: text, files: list(text) })),
  lifeboat: text,
});

export function serializePruneRecord(record: PruneRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
}

/** Throws a FormatError. */
export function readPruneRecord(bytes: Uint8Array): PruneRecord {
  return parseChecked(bytes, checkRecord);
}

/** The folder of a set's prune records, in the store. */
export function prunedFolder(set: string): string {
  return `${set}/pruned/`;
}

export function pruneRecordKey(set: string, runId: string): string {
  return `${prunedFolder(set)}${runId}.json`;
}

export function isPruneRecordKey(key: string, set: string): boolean {
  const folder = prunedFolder(set);
  return key.startsWith(folder) && key.endsWith('.json') && isId(key.slice(folder.length, -'.json'.length));
}
