import { openFileStore } from './file/store.ts';
import type { StoreLocation } from './location.ts';
import { openRcloneStore } from './rclone/open.ts';
import { openS3Store } from './s3/open.ts';
import type { S3Settings } from './s3/settings.ts';
import { openSshStore } from './ssh/open.ts';
import type { SshSettings } from './ssh/settings.ts';
import type { Store, StoreContext } from './store.ts';
import { openTimed } from './timeout/timed.ts';

/** Where backups are kept. */
export interface StoreSettings extends StoreAccess {
  stores: StoreLocation[];
}

/** How stores of each kind are reached. */
export interface StoreAccess {
  /** Milliseconds that a store may take for an answer, or for the next bytes. */
  storeTimeout: number;
  s3: S3Settings;
  /** null: no store is reached by ssh. */
  ssh: SshSettings | null;
}

/** Makes the store that a location names. The caller opens it, and closes it in the end. */
export function openStore(location: StoreLocation, access: StoreAccess, context: StoreContext): Promise<Store> {
  return openTimed(access.storeTimeout, context, (timed) => makeStore(location, access, timed));
}

async function makeStore(location: StoreLocation, access: StoreAccess, context: StoreContext): Promise<Store> {
  switch (location.kind) {
    case 'file':
      return openFileStore(location, context);
    case 's3':
      return await openS3Store(location, access.s3, context);
    case 'rclone':
      return openRcloneStore(location, context);
    case 'ssh':
      return await openSshStore(location, access.ssh, context);
  }
}
