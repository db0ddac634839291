import { type Store, StoreError } from '../store.ts';

/** Sizes that are asked for at the same time. */
const AT_ONCE = 8;

/**
 * Whether all that a store has taken in this run is still there, as long as it was: by one listing, and by asking for
 * what that does not show, because credentials may lack the right to list, and some listings lag behind. What these
 * credentials could not read back when it was stored is not asked for again. Throws a StoreError.
 */
export async function lookUp({
  store,
  stored,
  uploaded,
}: {
  store: Store;
  /** Sizes by key. */
  stored: Map<string, number>;
  uploaded: 'read-back' | 'acknowledged';
}): Promise<void> {
  if (uploaded === 'acknowledged') return;
  const listed = await sizesIn(store, [...stored.keys()]);
  const rest = [...stored].filter(([key, size]) => listed.get(key) !== size);
  const lookUp = async (): Promise<void> => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) await requireSize(store, ...next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lookUp));
}

/** By key; empty when these credentials may not list. */
async function sizesIn(store: Store, keys: string[]): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const folders = new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/') + 1)));
  try {
    for (const folder of folders) for await (const { key, size } of store.list(folder)) sizes.set(key, size);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'denied') throw error;
  }
  return sizes;
}

async function requireSize(store: Store, key: string, size: number): Promise<void> {
  const found = await store.size(key).catch((error: unknown) => {
    if (error instanceof StoreError && error.code === 'not-found') return null;
    throw error;
  });
  if (found === size) return;
  const state = found === null ? 'does not exist any more' : `has ${found} bytes now`;
  throw new StoreError(
    'failed',
    `${store.url}: ${JSON.stringify(key)}, ${size} bytes, was stored in this run and ${state}, so this store gets no manifest. Find out what removes or changes objects there, or whether its disk was unmounted, and run again.`,
  );
}
