import { GetObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { s3ClientOf } from '../servers/s3-client.ts';
import type { S3Server } from '../servers/s3-server.ts';
import { sha256 } from './stored-backup.ts';

export interface StoredObject {
  key: string;
  sha256: string;
  text: string;
}

/** Every object of a bucket, its key without the prefix, in the order of the keys. */
export async function objectsIn(server: S3Server, Bucket: string, prefix: string): Promise<StoredObject[]> {
  const client = s3ClientOf(server);
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix }));
  const objects: StoredObject[] = [];
  for (const { Key = '' } of Contents) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
    objects.push({ key: Key.slice(prefix.length), sha256: sha256(bytes), text: bytes.toString('utf8') });
  }
  return objects;
}

/** How many multipart uploads are open in the bucket. */
export async function openUploads(server: S3Server, Bucket: string): Promise<number> {
  const { Uploads = [] } = await s3ClientOf(server).send(new ListMultipartUploadsCommand({ Bucket }));
  return Uploads.length;
}
