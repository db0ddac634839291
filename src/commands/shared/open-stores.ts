import { LifeboatError } from '../../errors.ts';
import type { StoreLocation } from '../../store/location.ts';
import type { StoreSettings } from '../../store/open.ts';
import { openStore } from '../../store/open.ts';
import type { Store } from '../../store/store.ts';
import type { Run } from './run.ts';

/** The stores to read from, in their order. One that cannot be made is said and left out; throws when none is left. */
export async function openStores(settings: StoreSettings, run: Run): Promise<Store[]> {
  const open: Store[] = [];
  const problems: LifeboatError[] = [];
  for (const location of settings.stores) {
    try {
      open.push(await openStore(location, settings, { signal: run.signal, track: run.track, info: run.log.info }));
    } catch (error) {
      if (!(error instanceof LifeboatError) || run.signal.aborted) throw error;
      problems.push(error);
    }
  }
  for (const problem of problems) {
    if (open.length === 0) throw problem;
    run.log.warning(problem.message);
  }
  return open;
}

/** Acts on one store, once it is known to exist, and closes it. */
export async function withStore<T>(
  location: StoreLocation,
  settings: StoreSettings,
  run: Run,
  act: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await openStore(location, settings, { signal: run.signal, track: run.track, info: run.log.info });
  try {
    await store.openToRead();
    return await act(store);
  } finally {
    store.close();
  }
}
