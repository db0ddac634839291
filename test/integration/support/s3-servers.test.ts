import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { ensureCeph } from '../../support/servers/ceph.ts';
import { s3ClientOf } from '../../support/servers/s3-client.ts';
import { ensureSwift } from '../../support/servers/swift.ts';

async function bucketWithObject(client: S3Client): Promise<string> {
  const Bucket = `test-${crypto.randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutObjectCommand({ Bucket, Key: 'a/b c+ü', Body: 'content' }));
  return Bucket;
}

async function uploadPart(client: S3Client, Bucket: string, PartNumber: number) {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }));
  return client.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber, Body: 'x' }));
}

test.each([
  ['Ceph', ensureCeph],
  ['Swift', ensureSwift],
])('%s keeps an object and refuses a wrong secret', async (_, ensure) => {
  const server = await ensure();
  const client = s3ClientOf(server);
  const Bucket = await bucketWithObject(client);
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'a/b c+ü' }));
  await expect(Body?.transformToString()).resolves.toBe('content');
  const stranger = s3ClientOf({ ...server, secretAccessKey: 'wrong' });
  await expect(bucketWithObject(stranger)).rejects.toThrow();
  await expect(ensure()).resolves.toEqual(server);
});

test('the two speak different dialects', async () => {
  const ceph = s3ClientOf(await ensureCeph());
  const swift = s3ClientOf(await ensureSwift());
  const [cephBucket, swiftBucket] = [await bucketWithObject(ceph), await bucketWithObject(swift)];
  await expect(uploadPart(ceph, cephBucket, 1_001)).resolves.toHaveProperty('ETag');
  await expect(uploadPart(swift, swiftBucket, 1_001)).rejects.toThrow('between 1 and 1000');
  const Delete = { Objects: [{ Key: 'a/b c+ü' }] };
  await expect(ceph.send(new DeleteObjectsCommand({ Bucket: cephBucket, Delete }))).resolves.toHaveProperty('Deleted');
  await expect(swift.send(new DeleteObjectsCommand({ Bucket: swiftBucket, Delete }))).rejects.toThrow('Content-MD5');
});

test('the environment can name another server in place of Ceph', async () => {
  const before = { ...process.env };
  Object.assign(process.env, { S3_TEST_ENDPOINT: 'http://127.0.0.1:1', AWS_ACCESS_KEY_ID: 'id', AWS_REGION: 'r' });
  delete process.env.AWS_SECRET_ACCESS_KEY;
  await expect(ensureCeph()).rejects.toThrow('set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY too');
  process.env.AWS_SECRET_ACCESS_KEY = 'secret';
  const expected = { endpoint: 'http://127.0.0.1:1', accessKeyId: 'id', secretAccessKey: 'secret', region: 'r' };
  await expect(ensureCeph()).resolves.toEqual(expected);
  process.env = before;
});
