import { LifeboatError } from '../../errors.ts';
import { HOLD_FILE, keyOf, MANIFEST_FILE } from '../../formats/names.ts';
import { onlySet } from '../../repository/find-backup.ts';
import { isThere } from '../../repository/read-object.ts';
import type { Store } from '../../store/store.ts';
import type { HoldSettings } from '../hold/inputs.ts';
import type { HeldInStore, HoldReport } from '../hold/report.ts';
import { inStore } from '../hold/run.ts';
import { openStores } from '../shared/open-stores.ts';
import type { Run } from '../shared/run.ts';

/** Ends a hold, in every store: from then on the rules apply to the backup again. */
export async function release(settings: HoldSettings, run: Run): Promise<HoldReport> {
  const { name, backup: id } = settings;
  const stores = await openStores(settings, run);
  try {
    const results: HeldInStore[] = [];
    for (const store of stores) {
      results.push(await inStore(store, async () => releaseIn(store, name ?? (await onlySet(store)), id)));
    }
    if (results.every(({ state }) => state === 'absent')) {
      throw new LifeboatError(`There is no backup ${id} in any store. The command list shows what is there.`);
    }
    return { command: 'release', id, name, stores: results };
  } finally {
    for (const store of stores) store.close();
  }
}

async function releaseIn(store: Store, set: string, id: string): Promise<HeldInStore['state']> {
  const key = keyOf(set, id, HOLD_FILE);
  if (await isThere(store, key)) {
    await store.remove(key);
    return 'released';
  }
  return (await isThere(store, keyOf(set, id, MANIFEST_FILE))) ? 'not-held' : 'absent';
}
