import { buffer } from 'node:stream/consumers';
import { type Store, StoreError } from '../store/store.ts';

/** A small object whole; null when it is not there. */
export async function readObject(store: Store, key: string): Promise<Buffer | null> {
  try {
    return await buffer(await store.read(key));
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not-found') return null;
    throw error;
  }
}

export async function isThere(store: Store, key: string): Promise<boolean> {
  try {
    await store.size(key);
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not-found') return false;
    throw error;
  }
}
