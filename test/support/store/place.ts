import {
  CreateBucketCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import { openS3Store } from '../../../src/store/s3/open.ts';
import type { S3Options } from '../../../src/store/s3/options.ts';
import type { S3Settings } from '../../../src/store/s3/settings.ts';
import type { Store, StoreContext } from '../../../src/store/store.ts';
import { s3ClientOf } from '../servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../servers/s3-server.ts';

/** The least that servers take for a part that is not the last. */
export const PART = 5 * 1024 * 1024;

export const SETTINGS: S3Settings = {
  endpoint: null,
  storageClass: null,
  objectLock: null,
  sse: null,
  kmsKey: null,
  createBucket: false,
};

/** Small parts and short breaths. */
export const QUICK: Partial<S3Options> = { partSize: PART, attempts: 4, firstDelay: 5, longestDelay: 20 };

/** A bucket of its own on a real server, and a look into it that does not use the code under test. */
export interface Place {
  server: S3Server;
  bucket: string;
  client: S3Client;
}

/** Makes a bucket, and this process's environment such that the AWS SDK finds the server's credentials. */
export async function newPlace(server: S3Server, { objectLock = false } = {}): Promise<Place> {
  useCredentials(server);
  const client = s3ClientOf(server);
  const bucket = newName();
  await client.send(
    new CreateBucketCommand({ Bucket: bucket, ...(objectLock ? { ObjectLockEnabledForBucket: true } : {}) }),
  );
  return { server, bucket, client };
}

export function newName(): string {
  return `lifeboat-${crypto.randomUUID()}`;
}

export function useCredentials(server: S3Server): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  // Without this the SDK asks the network for an instance's credentials when it finds no others.
  Object.assign(process.env, awsEnvironment(server), { AWS_EC2_METADATA_DISABLED: 'true' });
}

export interface Opened {
  endpoint?: string;
  bucket?: string;
  prefix?: string;
  settings?: Partial<S3Settings>;
  options?: Partial<S3Options>;
}

export async function storeAt(place: Place, context: StoreContext, opened: Opened = {}): Promise<Store> {
  const { endpoint = place.server.endpoint, bucket = place.bucket, prefix = 'backups', settings, options } = opened;
  return await openS3Store(
    { bucket, prefix, url: `s3://${bucket}/${prefix}` },
    { ...SETTINGS, endpoint, ...settings },
    context,
    { ...QUICK, ...options },
  );
}

/** The keys of all objects in the bucket. */
export async function keysIn({ client, bucket }: Place): Promise<string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key = '' }) => Key);
}

/** The keys of all multipart uploads that are open in the bucket. */
export async function openUploadsIn({ client, bucket }: Place): Promise<string[]> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return Uploads.map(({ Key = '' }) => Key);
}

export async function headOf({ client, bucket }: Place, key: string): Promise<HeadObjectCommandOutput> {
  return await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
}
