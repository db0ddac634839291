import type { Store, StoreContext } from '../store.ts';
import type { S3Options } from './options.ts';
import type { S3Settings } from './settings.ts';

/**
 * Makes the store for a folder of a bucket on AWS or an S3-compatible server; nothing is sent before `open()`.
 * The AWS SDK takes a tenth of a second to load: only a run that uses it does.
 */
export async function openS3Store(
  location: { bucket: string; prefix: string; url: string },
  settings: S3Settings,
  context: StoreContext,
  options: Partial<S3Options> = {},
): Promise<Store> {
  const { createS3Store } = await import('./store.ts');
  return createS3Store(location, settings, context, options);
}
