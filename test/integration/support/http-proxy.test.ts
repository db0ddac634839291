import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { ensureCeph } from '../../support/servers/ceph.ts';
import * as faults from '../../support/servers/http-faults.ts';
import { type HttpProxy, startHttpProxy } from '../../support/servers/http-proxy.ts';
import { s3ClientOf } from '../../support/servers/s3-client.ts';

const Bucket = `proxy-${crypto.randomUUID()}`;
const Key = 'a/b c+ü&%';
const CONNECTION_LOST = /ECONNRESET|EPIPE|socket hang up/;
const CONTENT = Buffer.from('0123456789'.repeat(100_000));

let direct: S3Client;
let proxy: HttpProxy;
let client: S3Client;

beforeAll(async () => {
  direct = s3ClientOf(await ensureCeph());
  await direct.send(new CreateBucketCommand({ Bucket }));
  await direct.send(new PutObjectCommand({ Bucket, Key, Body: CONTENT }));
});

beforeEach(async () => {
  const server = await ensureCeph();
  proxy = await startHttpProxy(server.endpoint);
  client = s3ClientOf({ ...server, endpoint: proxy.endpoint });
});

afterEach(async () => {
  client.destroy();
  await proxy.die();
});

const put = (name: string, Body: Buffer | string = CONTENT) =>
  client.send(new PutObjectCommand({ Bucket, Key: name, Body }));
const head = (name = Key) => client.send(new HeadObjectCommand({ Bucket, Key: name }));
const isThere = (name: string) =>
  direct.send(new HeadObjectCommand({ Bucket, Key: name })).then(
    () => true,
    () => false,
  );

async function get(): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

async function beginUpload(name: string): Promise<string> {
  const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: name }));
  return UploadId;
}

async function uploadOnePart(name: string) {
  const UploadId = await beginUpload(name);
  const { ETag } = await client.send(
    new UploadPartCommand({ Bucket, Key: name, UploadId, PartNumber: 1, Body: CONTENT }),
  );
  return { Bucket, Key: name, UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } };
}

async function openUploads(name: string): Promise<number> {
  const { Uploads = [] } = await direct.send(new ListMultipartUploadsCommand({ Bucket, Prefix: name }));
  return Uploads.length;
}

test('without a rule everything passes, and is recorded', async () => {
  await put('through', 'hello');
  expect((await get()).equals(CONTENT)).toBe(true);
  await client.send(new CompleteMultipartUploadCommand(await uploadOnePart('multi')));
  await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'thr' }));
  await expect(head('not there')).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
  expect(
    proxy.requests.map(({ operation, method, path, status }) => `${operation} ${method} ${path} ${status}`),
  ).toEqual([
    `PutObject PUT /${Bucket}/through 200`,
    `GetObject GET /${Bucket}/a/b%20c%2B%C3%BC%26%25 200`,
    `CreateMultipartUpload POST /${Bucket}/multi 200`,
    `UploadPart PUT /${Bucket}/multi 200`,
    `CompleteMultipartUpload POST /${Bucket}/multi 200`,
    `ListObjects GET /${Bucket}/ 200`,
    `HeadObject HEAD /${Bucket}/not%20there 404`,
  ]);
  expect(proxy.requests[0]?.headers.host).toBe(new URL(proxy.endpoint).host);
  expect(proxy.requests[5]?.query.get('prefix')).toBe('thr');
  expect(await isThere('multi')).toBe(true);
});

test('rules apply in turn, after and as often as they say', async () => {
  proxy.when('HeadObject', faults.slowDown, { after: 1, times: 2 });
  proxy.when(({ method }) => method === 'HEAD', faults.internalError, { after: 1, times: 1 });
  const statuses = [];
  for (let i = 0; i < 5; i++) {
    statuses.push(
      await head().then(
        ({ $metadata }) => $metadata.httpStatusCode,
        (error) => error.$metadata.httpStatusCode,
      ),
    );
  }
  expect(statuses).toEqual([200, 503, 503, 500, 200]);
  expect(proxy.requests.map(({ status }) => status)).toEqual(statuses);
  proxy.when('HeadObject', faults.drop);
  proxy.reset();
  await head();
  expect(proxy.requests.length).toBe(1);
});

test.each([
  [faults.slowDown, 503, 'SlowDown'],
  [faults.internalError, 500, 'InternalError'],
  [faults.expiredToken, 400, 'ExpiredToken'],
  [faults.accessDenied, 403, 'AccessDenied'],
  [faults.methodNotAllowed, 405, 'MethodNotAllowed'],
])('errors are answered instead of the server (%#)', async (fault, httpStatusCode, name) => {
  proxy.when('PutObject', fault);
  await expect(put('refused')).rejects.toMatchObject({ name, $metadata: { httpStatusCode } });
  expect(await isThere('refused')).toBe(false);
});

test('HEAD says that an object which is there is not', async () => {
  proxy.when('HeadObject', faults.notFound, { times: 1 });
  await expect(head()).rejects.toMatchObject({ name: 'NotFound' });
  await head();
});

test('credentials that may only write', async () => {
  proxy.when(['GetObject', 'HeadObject', 'ListObjects', 'ListMultipartUploads'], faults.accessDenied);
  await put('written');
  await expect(get()).rejects.toMatchObject({ name: 'AccessDenied' });
  await expect(head()).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  await expect(client.send(new ListObjectsV2Command({ Bucket }))).rejects.toMatchObject({ name: 'AccessDenied' });
  await expect(client.send(new ListMultipartUploadsCommand({ Bucket }))).rejects.toMatchObject({
    name: 'AccessDenied',
  });
  expect(await isThere('written')).toBe(true);
});

test('a refused abort leaves the upload open', async () => {
  proxy.when('AbortMultipartUpload', faults.methodNotAllowed, { times: 1 });
  const UploadId = await beginUpload('unaborted');
  const abort = () => client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'unaborted', UploadId }));
  await expect(abort()).rejects.toMatchObject({ name: 'MethodNotAllowed' });
  expect(await openUploads('unaborted')).toBe(1);
  await abort();
  expect(await openUploads('unaborted')).toBe(0);
});

test('Complete answers 200 with an error, and completes nothing', async () => {
  proxy.when('CompleteMultipartUpload', faults.errorWithStatus200);
  const upload = await uploadOnePart('status200');
  await expect(client.send(new CompleteMultipartUploadCommand(upload))).rejects.toMatchObject({
    name: 'InternalError',
  });
  expect(proxy.requests.at(-1)?.status).toBe(200);
  expect(await isThere('status200')).toBe(false);
});

test('the reply of Complete is lost, and the object is there', async () => {
  proxy.when('CompleteMultipartUpload', faults.swallowReply);
  const upload = await uploadOnePart('swallowed');
  await expect(client.send(new CompleteMultipartUploadCommand(upload))).rejects.toThrow(CONNECTION_LOST);
  expect(proxy.requests.at(-1)?.status).toBeNull();
  expect(await isThere('swallowed')).toBe(true);
});

test('a request is cut after some of its bytes', async () => {
  proxy.when('PutObject', faults.dropRequestAfter(500_000));
  await expect(put('cut')).rejects.toThrow(CONNECTION_LOST);
  expect(await isThere('cut')).toBe(false);
  await put('short enough', 'x');
  expect(await isThere('short enough')).toBe(true);
});

test('a connection is dropped before the server hears of it', async () => {
  proxy.when('PutObject', faults.drop);
  await expect(put('dropped', 'x')).rejects.toThrow(CONNECTION_LOST);
  expect(await isThere('dropped')).toBe(false);
});

test('an answer is cut after some of its bytes', async () => {
  proxy.when('GetObject', faults.dropResponseAfter(1_000));
  const { Body, ContentLength } = await client.send(new GetObjectCommand({ Bucket, Key }));
  expect(ContentLength).toBe(CONTENT.length);
  let received = 0;
  const readAll = async () => {
    for await (const chunk of Body as AsyncIterable<Buffer>) received += chunk.length;
  };
  await expect(readAll()).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(received).toBe(1_000);
});

test.each([0, 65_536, CONTENT.length - 1])('byte %i of an answer is another', async (position) => {
  proxy.when('GetObject', faults.flipByte(position));
  const expected = Buffer.from(CONTENT);
  expected.writeUInt8(expected.readUInt8(position) ^ 1, position);
  expect((await get()).equals(expected)).toBe(true);
});

test('an answer is short, and its Content-Length agrees', async () => {
  proxy.when('GetObject', faults.truncateTo(777_777));
  const { Body, ContentLength } = await client.send(new GetObjectCommand({ Bucket, Key }));
  expect(ContentLength).toBe(777_777);
  expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(CONTENT.subarray(0, 777_777))).toBe(true);
});

test('an answer comes late', async () => {
  proxy.when('HeadObject', faults.delay(400));
  const started = Date.now();
  await head();
  expect(Date.now() - started).toBeGreaterThanOrEqual(400);
});

test("the server's clock seems to be off", async () => {
  proxy.when('HeadObject', faults.skewDate(3_600_000));
  await head();
  expect(client.config.systemClockOffset).toBeGreaterThan(3_500_000);
  // Believing it, the client signs with a time that the server refuses.
  await expect(get()).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
});

test('a stalled request gets no answer until the client gives up', async () => {
  proxy.when('PutObject', faults.stall);
  const patience = AbortSignal.timeout(500);
  const stalled = client.send(new PutObjectCommand({ Bucket, Key: 'stalled', Body: CONTENT }), {
    abortSignal: patience,
  });
  await expect(stalled).rejects.toMatchObject({ name: 'AbortError' });
  expect(patience.aborted).toBe(true);
  expect(proxy.requests).toMatchObject([{ operation: 'PutObject', status: null }]);
});

test('a proxy that dies takes every connection with it, and refuses new ones', async () => {
  proxy.when('PutObject', faults.die);
  proxy.when('HeadObject', faults.stall);
  const waiting = head().catch((error) => error);
  while (proxy.requests.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  await expect(put('dead', 'x')).rejects.toThrow(CONNECTION_LOST);
  expect(String(await waiting)).toMatch(CONNECTION_LOST);
  await expect(head()).rejects.toThrow('ECONNREFUSED');
  expect(await isThere('dead')).toBe(false);
});
