import { LifeboatError } from '../../errors.ts';
import { serializeHold } from '../../formats/hold.ts';
import { HOLD_FILE, keyOf, MANIFEST_FILE } from '../../formats/names.ts';
import { whyNotCounted } from '../../formats/state.ts';
import { chooseBackup } from '../../repository/find-backup.ts';
import { putObject } from '../../repository/put-object.ts';
import { isThere } from '../../repository/read-object.ts';
import type { Store } from '../../store/store.ts';
import { openStores } from '../shared/open-stores.ts';
import type { Run } from '../shared/run.ts';
import type { HoldSettings } from './inputs.ts';
import type { HeldInStore, HoldReport } from './report.ts';

/** Keeps a backup from being deleted by retention, in every store that has it, until it is released. */
export async function hold(settings: HoldSettings, run: Run): Promise<HoldReport> {
  const stores = await openStores(settings, run);
  try {
    const { set, id, state } = await chooseBackup(stores, settings, run);
    if (state.kind !== 'good') {
      throw new LifeboatError(
        `Backup ${id} does not count, so it is not held: ${whyNotCounted(state)}. No rule deletes such a backup. The command list shows which others exist.`,
      );
    }
    const results: HeldInStore[] = [];
    for (const store of stores)
      results.push(await inStore(store, () => holdIn(store, { set, id, by: settings.by }, run)));
    return { command: 'hold', id, name: set, stores: results };
  } finally {
    for (const store of stores) store.close();
  }
}

async function holdIn(
  store: Store,
  { set, id, by }: { set: string; id: string; by: string | null },
  run: Run,
): Promise<HeldInStore['state']> {
  const manifest = keyOf(set, id, MANIFEST_FILE);
  if (!(await isThere(store, manifest))) return 'absent';
  const key = keyOf(set, id, HOLD_FILE);
  if (await isThere(store, key)) return 'held-already';
  const since = run.now().toISOString();
  await putObject(store, key, serializeHold({ format: 1, id, name: set, since, by, lifeboat: run.version }));
  // A prune that had looked for a hold before deletes the manifest first.
  if (await isThere(store, manifest)) return 'held';
  throw new LifeboatError(`Backup ${id} was being deleted when it was held, and is gone. Hold another one.`);
}

/** What is wrong with one store is its result. */
export async function inStore(store: Store, act: () => Promise<HeldInStore['state']>): Promise<HeldInStore> {
  try {
    // On a disk that is not mounted no backup would seem to be.
    await store.openToRead();
    return { url: store.url, state: await act(), error: null };
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    return { url: store.url, state: 'failed', error: error.message };
  }
}
