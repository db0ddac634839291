import type { Leftover } from '../../../leftovers.ts';
import type { StoreContext } from '../../store.ts';
import { Bucket } from '../bucket.ts';
import { createConnection } from '../client.ts';
import { DEFAULT_OPTIONS } from '../options.ts';
import { abortUpload } from './multipart.ts';

/**
 * Ends a multipart upload that a killed run has left, within a few seconds. One that is gone is no error.
 * @throws StoreError when the server cannot be asked or refuses.
 */
export async function abortS3Upload(leftover: Extract<Leftover, { kind: 's3-upload' }>): Promise<void> {
  const signal = AbortSignal.timeout(DEFAULT_OPTIONS.abortTimeout);
  const context: StoreContext = { signal, track: () => () => {}, info: () => {} };
  const connection = createConnection(leftover.endpoint, DEFAULT_OPTIONS);
  try {
    const bucket = new Bucket(leftover.bucket, connection, context, DEFAULT_OPTIONS);
    await abortUpload(bucket, leftover.key, leftover.uploadId, signal);
  } finally {
    connection.client.destroy();
  }
}
