import type { RcloneLocation } from '../inputs/rclone-url.ts';
import { RcloneStore } from './rclone/store.ts';
import type { Store, StoreContext } from './store.ts';

/** Makes the store for a folder of a remote; nothing is started before `open()`. */
export function openRcloneStore(location: RcloneLocation, context: StoreContext): Store {
  return new RcloneStore(location, context);
}
