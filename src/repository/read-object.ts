import { type Store, StoreError } from '../store/store.ts';

/** Bytes of a manifest, a signature, a record or a hold. Those of Lifeboat have a few kB for each table and volume. */
const SMALL_OBJECT = 16 * 1024 * 1024;

/**
 * A small object as a whole; null when it does not exist. It never holds more than `limit` in memory: an object that is
 * larger is a StoreError with the code `unusable`, as is one that is not a regular file.
 */
export async function readObject(store: Store, key: string, limit = SMALL_OBJECT): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    if (store.movesWhole && (await store.size(key)) > limit) throw tooLarge(store, key, limit);
    // Leaving the loop early destroys the stream, and with it the request.
    for await (const chunk of await store.read(key)) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > limit) throw tooLarge(store, key, limit);
    }
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not-found') return null;
    throw error;
  }
  return Buffer.concat(chunks, size);
}

/** As readObject; what has the key and is not an object of ours is the value of `otherwise`, made from the reason. */
export async function readUsable<T>(
  store: Store,
  key: string,
  otherwise: (why: string) => T,
): Promise<Buffer | T | null> {
  try {
    return await readObject(store, key);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'unusable') return otherwise(error.message);
    throw error;
  }
}

/** Whether something has this key, even if it is not an object of ours: a hold that cannot be read still protects. */
export async function isThere(store: Store, key: string): Promise<boolean> {
  try {
    await store.size(key);
    return true;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'unusable') return true;
    if (error.code === 'not-found') return false;
    throw error;
  }
}

function tooLarge(store: Store, key: string, limit: number): StoreError {
  return new StoreError(
    'unusable',
    `${store.url}: ${JSON.stringify(key)} is larger than ${limit / 1024 / 1024} MiB, the most that Lifeboat reads of such an object. It was not written by Lifeboat, or it is damaged.`,
  );
}
