import { isSidecar, staleBefore, whyNotLeftover } from '../../formats/leftover-folder.ts';
import { keyOf, MANIFEST_FILE } from '../../formats/names.ts';
import type { StoreDates } from '../../formats/retention/guards.ts';
import type { BackupSet } from '../../repository/backup-set.ts';
import { listPruneRecords, pruneRecordOf } from '../../repository/prune-records.ts';
import { type Store, type StoredObject, StoreError } from '../../store/store.ts';
import { removeAll } from './remove-all.ts';
import type { LeftoverReport } from './report.ts';

/** Scans folders without a manifest: which has a killed run left, or a prune that was interrupted? */
export async function findLeftovers(set: BackupSet, ids: string[], dates: StoreDates): Promise<LeftoverReport[]> {
  let pruned: Promise<Set<string>> | null = null;
  const wasPruned = async (id: string) => {
    pruned ??= prunedIds(set);
    return (await pruned).has(id);
  };
  const leftovers: LeftoverReport[] = [];
  for (const id of ids) leftovers.push(await scanFolder(set, id, wasPruned, storeNow(set.trust.now, dates)));
  return leftovers;
}

/** Removes what was found to be a leftover, with the uploads that are open in it. */
export async function removeLeftover(set: BackupSet, leftover: LeftoverReport, dates: StoreDates): Promise<void> {
  const { store, name, trust } = set;
  const folder = keyOf(name, leftover.id, '');
  await store.sweep(folder, staleBefore(storeNow(trust.now, dates)));
  await removeAll(
    store,
    leftover.files.map((file) => folder + file),
  );
}

/** Only the store's own dates tell how old its objects are: without a clock it is no later than the latest of them. */
function storeNow(now: Date, { clock, newest }: StoreDates): Date {
  return clock ?? (newest !== null && newest.modified < now ? newest.modified : now);
}

async function scanFolder(
  { store, name }: BackupSet,
  id: string,
  wasPruned: (id: string) => Promise<boolean>,
  now: Date,
): Promise<LeftoverReport> {
  const folder = keyOf(name, id, '');
  const objects: StoredObject[] = [];
  for await (const object of store.list(folder)) objects.push(object);
  const files = objects.map(({ key, modified }) => ({ file: key.slice(folder.length), modified }));
  const report = {
    id,
    files: files.map(({ file }) => file),
    size: objects.reduce((sum, { size }) => sum + size, 0),
    deleted: false,
  };
  try {
    const found = { files, newestUpload: await store.newestUpload(folder) };
    const hasSidecars = report.files.some(isSidecar);
    const whyNot = whyNotLeftover({ ...found, wasPruned: hasSidecars && (await wasPruned(id)) }, now);
    return { ...report, whyNot: whyNot ?? (await whyManifestMayExist(store, folder)) };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return { ...report, whyNot: `whether a run still writes to it cannot be seen: ${error.message}` };
  }
}

/** A listing may be late, and an answer that it may not be read says nothing: only "not found" is believed. */
async function whyManifestMayExist(store: Store, folder: string): Promise<string | null> {
  try {
    (await store.read(folder + MANIFEST_FILE)).destroy();
    return 'it has a manifest that the listing does not show, or an empty one';
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return error.code === 'not-found' ? null : `whether it has a manifest cannot be seen: ${error.message}`;
  }
}

/** A prune that was interrupted longer ago than this many others is not looked for. */
const NEWEST_RECORDS = 30;

/** The backups of which prunes have written down that they delete them. */
async function prunedIds(set: BackupSet): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const key of (await listPruneRecords(set)).slice(0, NEWEST_RECORDS)) {
    const state = await pruneRecordOf(set, key, () => true);
    if (state?.kind === 'good') for (const { id } of state.record.deleted) ids.add(id);
  }
  return ids;
}
