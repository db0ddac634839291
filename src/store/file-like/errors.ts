import { StoreError } from '../store.ts';

/** `place`: the store's URL or folder, for a message. */
export function storeNotFound(place: string): StoreError {
  return new StoreError('not-found', `${place} does not exist. Correct the path in "store", or mount the disk.`);
}
