import {
  CreateBucketCommand,
  GetObjectLockConfigurationCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { type StoreContext, type StoredObject, StoreError } from '../store.ts';
import { type Connection, checkAccess } from './client.ts';
import { takeContents } from './contents.ts';
import { type Operation, refusesCredentials, S3Error, s3Error } from './errors.ts';
import type { S3Options } from './options.ts';
import { retryTransient } from './retry.ts';
import type { S3Settings } from './settings.ts';

export interface CallOptions {
  /** Ends the request and its repetition; default: the store's signal. */
  signal?: AbortSignal;
  /** Default: those of the options. */
  attempts?: number;
  /** What else is worth another attempt. */
  retryIf?(error: S3Error): boolean;
  /** A part's number, for the log. */
  part?: number;
}

/** One bucket of one server: sends requests, again while a failure may pass, and explains those that stay. */
export class Bucket {
  readonly name: string;
  readonly connection: Connection;
  readonly context: StoreContext;
  readonly options: S3Options;

  constructor(name: string, connection: Connection, context: StoreContext, options: S3Options) {
    this.name = name;
    this.connection = connection;
    this.context = context;
    this.options = options;
  }

  /** Sends one request. A failure is an S3Error that names `operation`, this bucket and `key`. */
  call<T>(
    operation: Operation,
    key: string | null,
    send: (client: S3Client, http: { abortSignal: AbortSignal }) => Promise<T>,
    { signal = this.context.signal, attempts = this.options.attempts, retryIf, part }: CallOptions = {},
  ): Promise<T> {
    const attempt = async (): Promise<T> => {
      try {
        return await send(this.connection.client, { abortSignal: signal });
      } catch (error) {
        // The SDK says "AbortError" of a deadline too.
        throw this.explain(signal.reason?.name === 'TimeoutError' ? signal.reason : error, operation, key);
      }
    };
    return retryTransient(attempt, {
      attempts,
      firstDelay: this.options.firstDelay,
      longestDelay: this.options.longestDelay,
      signal,
      isTransient: (error) => error instanceof S3Error && (error.transient || (retryIf?.(error) ?? false)),
      onRetry: (error, next, delay) => {
        const which = part === undefined ? '' : `Part ${part}: `;
        this.context.info(
          `${which}${(error as S3Error).summary}. Attempt ${next} of ${attempts} in ${(delay / 1000).toFixed(1)} s.`,
        );
      },
    });
  }

  /** Makes an error for the user of what the SDK threw. */
  explain(error: unknown, operation: Operation, key: string | null): S3Error {
    return s3Error(error, { operation, bucket: this.name, key, endpoint: this.connection.endpoint });
  }
}

/** A page of a listing; `objects` are those of its `Contents` that could be read without the SDK. */
export async function listObjects(
  bucket: Bucket,
  query: Omit<ListObjectsV2CommandInput, 'Bucket'>,
  options?: CallOptions,
): Promise<ListObjectsV2CommandOutput & { objects: StoredObject[] }> {
  const command = new ListObjectsV2Command({ Bucket: bucket.name, ...query });
  const objects = takeContents(command);
  const page = await bucket.call('ListObjectsV2', null, (client, http) => client.send(command, http), options);
  if (page.Name !== undefined) return { ...page, objects };
  // Of a web page the SDK would make an empty listing.
  throw new StoreError(
    'failed',
    `What answers at ${bucket.connection.endpoint ?? 'AWS'} is not S3: its list of the bucket ` +
      `${JSON.stringify(bucket.name)} does not name the bucket. Check s3-endpoint.`,
  );
}

/** A bad endpoint or key is no passing failure: a run that cannot begin should say so soon. */
const OPENING = { attempts: 3 };

/**
 * Makes sure that the bucket is there, and made when that is asked for, before anything is dumped. Credentials that
 * may only write are enough: then what they may not see is not checked.
 */
export async function openBucket(bucket: Bucket, prefix: string, settings: S3Settings): Promise<void> {
  await checkAccess(bucket.connection);
  if (!(await bucketExists(bucket, prefix))) {
    if (!settings.createBucket)
      throw missingBucket(bucket, 'Create it, set s3-create-bucket: true, or correct its name in "store"');
    await createBucket(bucket, settings);
  }
  if (settings.objectLock !== null) await requireObjectLock(bucket);
}

/** Makes sure that the bucket is there to be read. */
export async function requireBucket(bucket: Bucket, prefix: string): Promise<void> {
  await checkAccess(bucket.connection);
  if (!(await bucketExists(bucket, prefix))) throw missingBucket(bucket, 'Correct its name in "store", or s3-endpoint');
}

/** Not HeadBucket: its answer has no body, which alone says whether a 403 means the rights or the key. */
async function bucketExists(bucket: Bucket, prefix: string): Promise<boolean> {
  try {
    await listObjects(bucket, { Prefix: prefix, MaxKeys: 1 }, OPENING);
    return true;
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    if (error.reason === 'NoSuchBucket') return false;
    if (error.status === 403 && !refusesCredentials(error)) return true;
    throw error;
  }
}

async function createBucket(bucket: Bucket, settings: S3Settings): Promise<void> {
  const command = new CreateBucketCommand({
    Bucket: bucket.name,
    ...(settings.objectLock === null ? {} : { ObjectLockEnabledForBucket: true }),
  });
  try {
    await bucket.call('CreateBucket', null, (client, http) => client.send(command, http), OPENING);
  } catch (error) {
    // Another run was faster, or the answer to our first attempt was lost.
    if (!(error instanceof S3Error) || error.reason !== 'BucketAlreadyOwnedByYou') throw error;
  }
  bucket.context.info(`Created the bucket ${JSON.stringify(bucket.name)}.`);
}

/** Says early what the read-back of the first object would say after a dump. */
async function requireObjectLock(bucket: Bucket): Promise<void> {
  if ((await hasObjectLock(bucket)) !== false) return;
  throw new StoreError(
    'failed',
    `The bucket ${JSON.stringify(bucket.name)} has no object lock, or its server does not know object lock, but ` +
      's3-object-lock is set: make the bucket with object lock, or remove s3-object-lock.',
  );
}

/** Whether objects of the bucket can be locked; null when these credentials may not know. */
export async function hasObjectLock(bucket: Bucket): Promise<boolean | null> {
  const command = new GetObjectLockConfigurationCommand({ Bucket: bucket.name });
  try {
    const answer = await bucket.call(
      'GetObjectLockConfiguration',
      null,
      (client, http) => client.send(command, http),
      OPENING,
    );
    return answer.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
  } catch (error) {
    if (!(error instanceof S3Error) || error.status === null || error.transient) throw error;
    return error.status === 403 ? null : false;
  }
}

function missingBucket(bucket: Bucket, fix: string): StoreError {
  return new StoreError('failed', `The bucket ${JSON.stringify(bucket.name)} does not exist. ${fix}.`);
}
