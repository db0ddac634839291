import { isSidecar } from '../../formats/leftover-folder.ts';
import { filesOf } from '../../formats/manifest.ts';
import { keyOf, MANIFEST_FILE } from '../../formats/names.ts';
import { billedUntil } from '../../formats/retention/storage-class.ts';
import type { BackupSet } from '../../repository/backup-set.ts';
import { mapConcurrent } from '../../store/map-concurrent.ts';
import type { Lock, Store, StoredObject } from '../../store/store.ts';
import { countOf } from '../../units.ts';
import type { RetainedBackup } from './report.ts';
import { describeState } from './scan.ts';

/** A backup that is to be deleted, and every object of it that may be. */
export interface Candidate {
  /** Of the report. */
  row: RetainedBackup;
  manifestSha256: string;
  /** Keys of the signature and of restore tests' records. */
  sidecars: string[];
  /** Keys of what the manifest names: volumes and side objects. */
  volumes: string[];
}

/** The row of a backup that is kept though no rule keeps it. */
export function keptRow(row: RetainedBackup, why: string): RetainedBackup {
  return { ...row, decision: 'keep', reasons: [why] };
}

/** Checks every backup that no rule keeps; `kept`: rows of those that may not be deleted. */
export async function findCandidates(
  set: BackupSet,
  rows: RetainedBackup[],
): Promise<{ candidates: Candidate[]; kept: RetainedBackup[] }> {
  const found = await mapConcurrent(rows, (row) => findCandidate(set, row));
  return {
    candidates: found.flatMap((one) => ('row' in one ? [one] : [])),
    kept: found.flatMap((one) => ('row' in one ? [] : [one])),
  };
}

/** Checks one backup as closely as it takes to delete it: does it count, and is it locked? */
async function findCandidate(set: BackupSet, row: RetainedBackup): Promise<Candidate | RetainedBackup> {
  const { store, name, trust } = set;
  const folder = keyOf(name, row.id, '');
  const { state, sha256 } = await set.open(row.id);
  if (state.kind !== 'good') return keptRow(row, describeState(state));
  const objects: StoredObject[] = [];
  for await (const object of store.list(folder)) objects.push(object);
  const files = objects.map(({ key }) => key.slice(folder.length));
  const volumes = filesOf(state.manifest).map(({ key }) => key);
  const sidecars = files.filter(isSidecar);
  const deletable = [MANIFEST_FILE, ...sidecars, ...volumes];
  const lock = await lastLock(
    store,
    deletable.map((file) => folder + file),
  );
  if (lock !== null) return keptRow(row, describeLock(lock));
  const others = files.filter((file) => !deletable.includes(file));
  const notes = [
    ...(others.length === 0
      ? []
      : [`kept ${countOf(others.length, 'other object')} in its folder: Lifeboat did not create them`]),
    ...earlyDeletionNotes(objects, trust.now),
  ];
  return {
    row: { ...row, notes },
    manifestSha256: sha256 ?? '',
    sidecars: sidecars.map((file) => folder + file),
    volumes: volumes.map((file) => folder + file),
  };
}

/** The lock that ends last, of those that are in force. */
export async function lastLock(store: Store, keys: string[]): Promise<Lock | null> {
  const locks = await mapConcurrent(keys, (key) => store.lockOf(key));
  return locks.reduce((last, lock) => (endOf(lock) > endOf(last) ? lock : last), null);
}

function endOf(lock: Lock | null): number {
  if (lock === null) return 0;
  return lock === 'legal-hold' ? Number.POSITIVE_INFINITY : lock.until.getTime();
}

export function describeLock(lock: Lock): string {
  return lock === 'legal-hold' ? 'locked by a legal hold' : `locked until ${lock.until.toISOString()}`;
}

/** S14: archive classes are billed for a while whatever becomes of the object. */
function earlyDeletionNotes(objects: StoredObject[], now: Date): string[] {
  const ends = objects.flatMap(({ storageClass, modified }) => billedUntil(storageClass ?? '', modified) ?? []);
  const last = ends.reduce<Date | null>((latest, end) => (latest === null || end > latest ? end : latest), null);
  return last === null || last <= now
    ? []
    : [`still billed until ${last.toISOString().slice(0, 10)}, by its storage class`];
}
