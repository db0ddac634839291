import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Bucket } from '../../../../src/store/s3/bucket.ts';
import { DEFAULT_OPTIONS } from '../../../../src/store/s3/options.ts';
import { BufferPool } from '../../../../src/store/s3/upload/buffers.ts';
import { sendInSlices } from '../../../../src/store/s3/upload/slices.ts';
import { S3Upload } from '../../../../src/store/s3/upload/upload.ts';
import { ensureCeph } from '../../../support/servers/ceph.ts';
import { type HttpProxy, startHttpProxy } from '../../../support/servers/http-proxy.ts';
import { recordedContext } from '../../../support/store/context.ts';
import { bytesOf } from '../../../support/store/objects.ts';
import { headOf, newPlace, PART, type Place } from '../../../support/store/place.ts';

/** What AWS is sent, looked at on the way to a server that runs here: AWS wants the SDK's own checksums. */
let place: Place;
let proxy: HttpProxy;

beforeAll(async () => {
  place = await newPlace(await ensureCeph());
  proxy = await startHttpProxy(place.server.endpoint);
});

afterAll(() => proxy.die());

async function uploadAsToAws(key: string, bytes: Buffer): Promise<void> {
  const client = new S3Client({
    endpoint: proxy.endpoint,
    forcePathStyle: true,
    region: 'us-east-1',
    requestChecksumCalculation: 'WHEN_SUPPORTED',
    responseChecksumValidation: 'WHEN_SUPPORTED',
  });
  sendInSlices(client);
  const options = { ...DEFAULT_OPTIONS, partSize: PART };
  const bucket = new Bucket(place.bucket, { client, endpoint: null, clock: () => null }, recordedContext(), options);
  const upload = new S3Upload(bucket, key, {}, new BufferPool(PART));
  await upload.write(bytes);
  await upload.commit();
  client.destroy();
}

test('S1: parts and small objects carry CRC32 and Content-MD5 as headers, and an upload is begun with CRC32', async () => {
  const bytes = bytesOf(2 * PART + 1);
  await uploadAsToAws('large', bytes);
  await uploadAsToAws('small', bytes.subarray(0, 1000));
  expect((await headOf(place, 'large')).ContentLength).toBe(bytes.length);

  const sent = (operation: string) => proxy.requests.filter((request) => request.operation === operation);
  expect(sent('CreateMultipartUpload')[0]?.headers['x-amz-checksum-algorithm']).toBe('CRC32');
  const bodies = new Map(
    sent('UploadPart').map((request) => {
      const start = (Number(request.query.get('partNumber')) - 1) * PART;
      return [request, bytes.subarray(start, start + PART)];
    }),
  );
  expect(bodies.size).toBe(3);
  for (const request of sent('PutObject')) bodies.set(request, bytes.subarray(0, 1000));
  for (const [{ headers }, body] of bodies) {
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32(body));
    expect(headers['x-amz-checksum-crc32']).toBe(crc.toString('base64'));
    expect(headers['content-md5']).toBe(createHash('md5').update(body).digest('base64'));
    expect(headers['content-length']).toBe(String(body.length));
    expect(headers['x-amz-content-sha256']).toBe(createHash('sha256').update(body).digest('hex'));
    expect(headers['x-amz-trailer']).toBeUndefined();
    expect(headers['content-encoding']).toBeUndefined();
  }
});
