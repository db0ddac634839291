import {
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type ObjectLockMode,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3';
import { messageOf } from '../../../errors.ts';
import { type Committed, StoreError } from '../../store.ts';
import type { Bucket } from '../bucket.ts';
import { S3Error } from '../errors.ts';
import type { S3Settings } from '../settings.ts';
import type { ObjectHeaders } from './multipart.ts';

/** An object that the server has acknowledged. */
export interface Written {
  bucket: Bucket;
  /** The whole key in the bucket. */
  key: string;
  /** Bytes. */
  size: number;
  headers: ObjectHeaders;
  signal: AbortSignal;
}

/** Asks the server what it has stored, and requires the size and the lock that were asked for. */
export async function verifyStored(written: Written): Promise<Committed> {
  const { bucket, key, size } = written;
  const lock = lockOf(written.headers);
  const head = await headOf(written);
  if (head === null) {
    if (lock !== null) {
      bucket.context.info(
        `The object lock of ${JSON.stringify(key)} was not read back: these credentials may not read it.`,
      );
    }
    return { size, uploaded: 'acknowledged' };
  }
  requireSize(written, head);
  if (lock === null) return { size, uploaded: 'read-back' };
  return { size, uploaded: 'read-back', lockedUntil: endOfLock(head, lock) ?? (await lockAfterwards(written, lock)) };
}

/** The headers that ask for the lock. The end is in whole seconds, as some servers keep no others. */
export function lockHeaders(lock: S3Settings['objectLock'], now: Date): ObjectHeaders {
  if (lock === null) return {};
  return {
    ObjectLockMode: lock.mode.toUpperCase() as ObjectLockMode,
    ObjectLockRetainUntilDate: new Date(Math.ceil((now.getTime() + lock.duration) / 1000) * 1000),
  };
}

interface Lock {
  mode: ObjectLockMode;
  until: Date;
}

function lockOf({ ObjectLockMode: mode, ObjectLockRetainUntilDate: until }: ObjectHeaders): Lock | null {
  return mode === undefined || until === undefined ? null : { mode, until };
}

/** What the server reports of the object; null when these credentials may write it, not read it. */
async function headOf({ bucket, key, signal }: Written): Promise<HeadObjectCommandOutput | null> {
  const command = new HeadObjectCommand({ Bucket: bucket.name, Key: key });
  try {
    return await bucket.call('HeadObject', key, (client, http) => client.send(command, http), {
      signal,
      retryIf: (error) => error.status === 404, // Some servers show a new object only after a moment.
    });
  } catch (error) {
    if (error instanceof S3Error && error.status === 403) return null;
    throw error;
  }
}

function requireSize({ key, size }: Written, head: HeadObjectCommandOutput): void {
  if (head.ContentLength === size) return;
  throw new StoreError(
    'failed',
    `${size} bytes of ${JSON.stringify(key)} were written to S3, but the server reports ${head.ContentLength ?? 'no size'}: ` +
      'what it stores is not what it is sent. Use another server or endpoint.',
  );
}

/** The end of the lock that the server reports; null when it does not report the one that was asked for. */
function endOfLock(head: HeadObjectCommandOutput, lock: Lock): Date | null {
  const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until } = head;
  return mode === lock.mode && until !== undefined && until >= lock.until ? until : null;
}

/**
 * Ceph 16 heeds the headers of PutObject, not those of CreateMultipartUpload; Swift answers 200 to both and heeds none.
 * So what is not locked is locked by a request of its own, and what is not locked then is an error: that may not even
 * be the object any more, as Swift takes the request for a PutObject.
 */
async function lockAfterwards(written: Written, { mode, until }: Lock): Promise<Date> {
  const { bucket, key, signal } = written;
  const command = new PutObjectRetentionCommand({
    Bucket: bucket.name,
    Key: key,
    Retention: { Mode: mode, RetainUntilDate: until },
  });
  const refusal = await bucket
    .call('PutObjectRetention', key, (client, http) => client.send(command, http), { signal })
    .then(
      () => '',
      (error: unknown) => ` Asked once more, it said: ${messageOf(error)}`,
    );
  const head = await headOf(written);
  const end = head === null ? null : endOfLock(head, { mode, until });
  if (end !== null) return end;
  throw new StoreError(
    'failed',
    `${JSON.stringify(key)} was written to S3 with object lock ${mode} until ${until.toISOString()}, but the server ` +
      'reports no such lock: it ignores object lock, or these credentials lack s3:GetObjectRetention. ' +
      `Correct that, or remove s3-object-lock.${refusal}`,
  );
}
