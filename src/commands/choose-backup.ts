import { createHash } from 'node:crypto';
import { isFromFuture, isId } from '../catalog/id.ts';
import { keyOf, MANIFEST_FILE, SIGNATURE_FILE } from '../catalog/names.ts';
import { parseRecordFile } from '../catalog/record.ts';
import { LifeboatError } from '../errors.ts';
import { type Store, StoreError } from '../store/store.ts';
import { readObject } from './read-object.ts';
import type { Run } from './run.ts';

/** A committed backup as it lies in a store: nothing of it has been believed yet. */
export interface ChosenBackup {
  store: Store;
  set: string;
  id: string;
  /** The manifest's bytes, and the hex sha256 of them. */
  manifest: Buffer;
  manifestSha256: string;
  /** Armored; null when there is none. */
  signature: string | null;
}

/**
 * Finds the backup that is meant, in the first store that has it: an id, `latest`, or `latest-proven` (the newest whose
 * last restore test passed). Throws a LifeboatError when no store has it.
 */
export async function chooseBackup(
  stores: Store[],
  name: string | null,
  wanted: string,
  run: Run,
): Promise<ChosenBackup> {
  const reasons: string[] = [];
  for (const store of stores) {
    try {
      const set = name ?? (await onlySet(store));
      for (const id of await candidates(store, set, wanted, run)) {
        const chosen = await usable(store, set, id, run, wanted);
        if (!chosen) continue;
        for (const reason of reasons) run.log.warning(`Another store is used instead. ${reason}`);
        return chosen;
      }
      reasons.push(`${store.url}: set ${JSON.stringify(set)} has ${missing(wanted)}.`);
    } catch (error) {
      if (!(error instanceof LifeboatError) || run.signal.aborted) throw error;
      reasons.push(error.message);
    }
  }
  throw new LifeboatError(`There is no backup to use. ${reasons.join(' ')} The command list shows what is there.`);
}

function missing(wanted: string): string {
  if (wanted === 'latest') return 'no complete backup';
  return wanted === 'latest-proven' ? 'no backup that a restore test has proven' : `no complete backup ${wanted}`;
}

/** Without a name there must be no choice. */
export async function onlySet(store: Store): Promise<string> {
  const sets = await store.folders('');
  const [only] = sets;
  if (only !== undefined && sets.length === 1) return only;
  const found = sets.length === 0 ? 'holds no backups' : `holds several sets (${sets.slice(0, 10).join(', ')})`;
  throw new LifeboatError(`${store.url} ${found}. Say which one in name.`);
}

/** Ids that may be meant, the best first. */
async function candidates(store: Store, set: string, wanted: string, run: Run): Promise<string[]> {
  if (isId(wanted)) return [wanted];
  const ids: string[] = [];
  for (const id of (await store.folders(`${set}/`)).filter(isId).sort().reverse()) {
    if (isFromFuture(id, run.now())) {
      run.log.warning(`${store.url}: backup ${id} is from the future. Check the clock of the machine that made it.`);
    } else if (wanted === 'latest' || (await lastVerdict(store, set, id)) === 'proven') ids.push(id);
    // Folders without a manifest are rare; the newest proven one is enough.
    if (wanted === 'latest-proven' && ids.length > 0) break;
  }
  return ids;
}

/** Of the backup's newest restore test; null when there was none. */
async function lastVerdict(store: Store, set: string, id: string): Promise<string | null> {
  const folder = keyOf(set, id, '');
  let last: { time: string; verdict: string } | null = null;
  for await (const { key } of store.list(`${folder}restore-tests/`)) {
    const record = parseRecordFile(key.slice(folder.length));
    if (record && (last === null || record.time >= last.time)) last = record;
  }
  return last?.verdict ?? null;
}

/** As committed(); among several, one whose small objects are none of ours is passed over with a warning. */
async function usable(store: Store, set: string, id: string, run: Run, wanted: string): Promise<ChosenBackup | null> {
  try {
    return await committed(store, set, id);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'unusable' || wanted === id) throw error;
    run.log.warning(`Backup ${id} does not count and is passed over. ${error.message}`);
    return null;
  }
}

/** null: a folder without a manifest is no backup. */
async function committed(store: Store, set: string, id: string): Promise<ChosenBackup | null> {
  const manifest = await readObject(store, keyOf(set, id, MANIFEST_FILE));
  if (manifest === null) return null;
  const signature = await readObject(store, keyOf(set, id, SIGNATURE_FILE));
  return {
    store,
    set,
    id,
    manifest,
    manifestSha256: createHash('sha256').update(manifest).digest('hex'),
    signature: signature?.toString('utf8') ?? null,
  };
}
