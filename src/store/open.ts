import type { S3Settings } from '../inputs/settings.ts';
import type { StoreLocation } from '../inputs/store-url.ts';
import { openFileStore } from './file.ts';
import { openS3Store } from './s3.ts';
import type { Store, StoreContext } from './store.ts';

/** Makes the store that a location names. The caller opens it, and closes it in the end. */
export async function openStore(location: StoreLocation, s3: S3Settings, context: StoreContext): Promise<Store> {
  switch (location.kind) {
    case 'file':
      return openFileStore(location, context);
    case 's3':
      return await openS3Store(location, s3, context);
  }
}
