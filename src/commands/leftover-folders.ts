import { FormatError } from '../catalog/checked.ts';
import { isPaper, staleBefore, whyNotLeftover } from '../catalog/leftover-folder.ts';
import { keyOf, MANIFEST_FILE } from '../catalog/names.ts';
import { isPruneRecordKey, prunedFolder, readPruneRecord } from '../catalog/prune-record.ts';
import type { StoreDates } from '../catalog/retention-guards.ts';
import type { LeftoverReport } from '../report/prune-report.ts';
import { type Store, type StoredObject, StoreError } from '../store/store.ts';
import { type SetInStore, whyNotSigned } from './inspect.ts';
import { readUsable } from './read-object.ts';
import { removeAll } from './remove-all.ts';

/** Looks at folders without a manifest: which has a killed run left, or a prune that was interrupted? */
export async function findLeftovers(place: SetInStore, ids: string[], dates: StoreDates): Promise<LeftoverReport[]> {
  let pruned: Promise<Set<string>> | null = null;
  const wasPruned = async (id: string) => {
    pruned ??= prunedIds(place);
    return (await pruned).has(id);
  };
  const leftovers: LeftoverReport[] = [];
  for (const id of ids) leftovers.push(await examineFolder(place, id, wasPruned, storeNow(place.now, dates)));
  return leftovers;
}

/** Removes what was found to be a leftover, with the uploads that are open in it. */
export async function removeLeftover(place: SetInStore, leftover: LeftoverReport, dates: StoreDates): Promise<void> {
  const { store, set, now } = place;
  const folder = keyOf(set, leftover.id, '');
  await store.sweep(folder, staleBefore(storeNow(now, dates)));
  await removeAll(
    store,
    leftover.files.map((file) => folder + file),
  );
  leftover.deleted = true;
}

/** Only the store's own dates tell how old its objects are: without a clock it is no later than the latest of them. */
function storeNow(now: Date, { clock, newest }: StoreDates): Date {
  return clock ?? (newest !== null && newest.modified < now ? newest.modified : now);
}

async function examineFolder(
  { store, set }: SetInStore,
  id: string,
  wasPruned: (id: string) => Promise<boolean>,
  now: Date,
): Promise<LeftoverReport> {
  const folder = keyOf(set, id, '');
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
    const hasPapers = report.files.some(isPaper);
    const whyNot = whyNotLeftover({ ...found, wasPruned: hasPapers && (await wasPruned(id)) }, now);
    return { ...report, whyNot: whyNot ?? (await whyManifestMayBeThere(store, folder)) };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return { ...report, whyNot: `whether a run still writes to it cannot be seen: ${error.message}` };
  }
}

/** A listing may be late, and an answer that it may not be read says nothing: only "not found" is believed. */
async function whyManifestMayBeThere(store: Store, folder: string): Promise<string | null> {
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
async function prunedIds(place: SetInStore): Promise<Set<string>> {
  const { store, set } = place;
  const keys: string[] = [];
  for await (const { key } of store.list(prunedFolder(set))) if (isPruneRecordKey(key, set)) keys.push(key);
  const ids = new Set<string>();
  for (const key of keys.sort().slice(-NEWEST_RECORDS)) {
    const bytes = await readUsable(store, key, () => null);
    if (bytes === null || (await whyNotSigned(place, bytes, `${key}.asc`)) !== null) continue;
    try {
      const record = readPruneRecord(bytes);
      if (record.name === set) for (const { id } of record.deleted) ids.add(id);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }
  return ids;
}
