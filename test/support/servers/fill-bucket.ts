import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';

/** Puts objects below a prefix, many at once. */
export async function fillBucket(
  client: S3Client,
  bucket: string,
  prefix: string,
  objects: Iterable<{ key: string; bytes: Buffer }>,
): Promise<void> {
  const left = objects[Symbol.iterator]();
  const worker = async () => {
    for (let next = left.next(); !next.done; next = left.next()) {
      const { key, bytes } = next.value;
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}/${key}`, Body: bytes }));
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
}
