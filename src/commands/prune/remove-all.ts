import { messageOf } from '../../errors.ts';
import { mapConcurrent } from '../../store/map-concurrent.ts';
import { type Store, StoreError } from '../../store/store.ts';

/** Removes each object, whatever becomes of the others. Throws a StoreError that names the first that stays. */
export async function removeAll(store: Store, keys: string[]): Promise<void> {
  const failures = await mapConcurrent(keys, (key) => failureToRemove(store, key));
  const [first, ...more] = failures.filter((failure) => failure !== null);
  if (first === undefined) return;
  const others = more.length === 0 ? '' : ` ${more.length} more objects were not removed either.`;
  throw new StoreError(first.code, `${first.message}${others} The next prune tries again.`, { cause: first });
}

async function failureToRemove(store: Store, key: string): Promise<StoreError | null> {
  try {
    await store.remove(key);
    return null;
  } catch (error) {
    return error instanceof StoreError ? error : new StoreError('failed', messageOf(error));
  }
}
