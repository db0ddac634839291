import type { Store, StoreContext } from '../store.ts';
import type { RcloneLocation } from './location.ts';
import { RcloneStore } from './store.ts';

/** Makes the store for a folder of a remote; nothing is started before `open()`. */
export function openRcloneStore(location: RcloneLocation, context: StoreContext): Store {
  return new RcloneStore(location, context);
}
