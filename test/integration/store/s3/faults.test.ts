import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { S3Options } from '../../../../src/store/s3/options.ts';
import type { Store, StoreError, Upload } from '../../../../src/store/store.ts';
import { ensureCeph } from '../../../support/servers/ceph.ts';
import * as faults from '../../../support/servers/http-faults.ts';
import { type HttpFault, type HttpProxy, startHttpProxy } from '../../../support/servers/http-proxy.ts';
import { type RecordedContext, recordedContext } from '../../../support/store/context.ts';
import { bytesOf, failureOf, get, keysOf, put } from '../../../support/store/objects.ts';
import { keysIn, newPlace, openUploadsIn, PART, type Place, storeAt } from '../../../support/store/place.ts';

/** Three parts. */
const LARGE = bytesOf(2 * PART + 1000);
const HEALTHY = LARGE.subarray(0, PART + 1);
const SMALL = bytesOf(1000);
const LATER = () => new Date(Date.now() + 3_600_000);

let place: Place;
let proxy: HttpProxy;
let context: RecordedContext;
let store: Store;

beforeAll(async () => {
  place = await newPlace(await ensureCeph());
});

beforeEach(async () => {
  proxy = await startHttpProxy(place.server.endpoint);
  await begin();
});

afterEach(async () => {
  store.close();
  await proxy.die();
  const direct = await storeAt(place, recordedContext());
  for (const key of await keysOf(direct)) await direct.remove(key);
  await direct.sweep('', LATER());
  direct.close();
});

/** Shows that everything works while the proxy only hands on; what comes then is the work of the faults. */
async function begin(options: Partial<S3Options> = {}): Promise<void> {
  context = recordedContext();
  store = await storeAt(place, context, { endpoint: proxy.endpoint, options });
  await store.open();
  for (const bytes of [HEALTHY, SMALL]) {
    expect(await put(store, 'healthy', bytes)).toEqual({ size: bytes.length, uploaded: 'read-back' });
    expect(bytes.equals(await get(store, 'healthy'))).toBe(true);
    await store.remove('healthy');
  }
  expect(await store.sweep('', LATER())).toEqual([]);
  expect(context.lines).toEqual([]);
  proxy.reset();
}

/** Writes an object that must fail, and aborts it as a caller does. */
async function failingPut(key: string, bytes: Buffer): Promise<StoreError> {
  const upload = await store.create(key);
  const error = await failureOf(upload.write(bytes).then(() => upload.commit()));
  await upload.abort();
  expect(error.name).toBe('StoreError');
  for (const line of [error.message, ...context.lines]) {
    expect(line).not.toContain(place.server.secretAccessKey);
    expect(line).not.toMatch(/UnknownError|\n/);
  }
  return error as StoreError;
}

async function expectNothingLeft(): Promise<void> {
  expect(await keysIn(place)).toEqual([]);
  expect(await openUploadsIn(place)).toEqual([]);
  expect(context.leftovers.size).toBe(0);
}

function count(operation: string): number {
  return proxy.requests.filter((request) => request.operation === operation).length;
}

describe('S6: what passes is tried again', () => {
  const passing: [string, HttpFault][] = [
    ['HTTP 500', faults.internalError],
    ['HTTP 503 SlowDown', faults.slowDown],
    ['HTTP 429', faults.answer(429, 'TooManyRequests')],
    ['HTTP 400 RequestTimeout', faults.answer(400, 'RequestTimeout')],
    ['HTTP 400 BadDigest', faults.answer(400, 'BadDigest')],
    ['a dropped connection', faults.drop],
    ['a connection dropped amid the body', faults.dropRequestAfter(300)],
    ['a lost answer', faults.swallowReply],
  ];

  test.each(passing)('%s to parts', async (_, fault) => {
    proxy.when('UploadPart', fault, { after: 1, times: 2 });
    expect(await put(store, 'a', LARGE)).toEqual({ size: LARGE.length, uploaded: 'read-back' });
    expect(LARGE.equals(await get(store, 'a'))).toBe(true);
    expect(count('UploadPart')).toBe(3 + 2);
    expect(context.lines).toHaveLength(2);
    expect(context.lines[0]).toMatch(
      /^Part \d: S3 UploadPart of "backups\/a" in bucket .* Attempt \d of 4 in 0\.0\d? s\.$/,
    );
  });

  test.each(passing)('%s to everything else', async (_, fault) => {
    for (const operation of [
      'CreateMultipartUpload',
      'CompleteMultipartUpload',
      'PutObject',
      'ListObjects',
      'DeleteObject',
    ]) {
      proxy.when(operation, fault, { times: 1 });
    }
    await put(store, 'large', LARGE);
    await put(store, 'small', SMALL);
    expect(await keysOf(store)).toEqual(['large', 'small']);
    expect(LARGE.equals(await get(store, 'large'))).toBe(true);
    expect(SMALL.equals(await get(store, 'small'))).toBe(true);
    await store.remove('small');
    expect(await keysOf(store)).toEqual(['large']);
  });

  test.each(passing.filter(([name]) => !/HTTP 400|amid/.test(name)))(
    '%s to HEAD, whose answers do not say why',
    async (_, fault) => {
      proxy.when('HeadObject', fault, { times: 3 });
      await put(store, 'a', SMALL);
      expect(await store.size('a')).toBe(SMALL.length);
      expect(count('HeadObject')).toBe(3 + 2);
    },
  );

  test("S11: this machine's clock seems to be off", async () => {
    proxy.when('HeadObject', faults.skewDate(3_600_000), { times: 1 });
    await put(store, 'first', SMALL); // The SDK now takes itself for an hour late, and the server refuses what it signs.
    await put(store, 'second', LARGE);
    expect(LARGE.equals(await get(store, 'second'))).toBe(true);
    expect(context.lines.join()).toContain('RequestTimeTooSkewed');
  });
});

describe('S6: what does not pass fails, and leaves nothing', () => {
  test.each<[string, HttpFault, RegExp]>([
    [
      'HTTP 500',
      faults.internalError,
      /UploadPart of "backups\/a" in bucket "[^"]+" failed: InternalError \(HTTP 500\): fault\. Run again when/,
    ],
    ['SlowDown', faults.slowDown, /SlowDown \(HTTP 503\)/],
    ['dropped connections', faults.drop, /ECONNRESET: .*check the network and the server/],
    ['cut connections', faults.dropRequestAfter(1_000_000), /ECONNRESET|EPIPE/],
  ])('%s for ever', async (_, fault, message) => {
    proxy.when('UploadPart', fault, { after: 2 });
    const error = await failingPut('a', LARGE);
    expect(error.code).toBe('failed');
    expect(error.message).toMatch(message);
    expect(count('AbortMultipartUpload')).toBe(1);
    await expectNothingLeft();
  });

  test.each<[string, number, string, string, RegExp]>([
    [
      'AccessDenied',
      403,
      'AccessDenied',
      'denied',
      /AccessDenied \(HTTP 403\).*Give these credentials the right s3:PutObject/,
    ],
    ['ExpiredToken', 400, 'ExpiredToken', 'denied', /ExpiredToken \(HTTP 400\).*raise role-duration-seconds/],
    [
      'NoSuchBucket',
      404,
      'NoSuchBucket',
      'failed',
      /Create the bucket, set s3-create-bucket: true, or correct its name in "store"/,
    ],
    ['QuotaExceeded', 403, 'QuotaExceeded', 'full', /QuotaExceeded.*raise the quota/],
    ['no space', 507, 'InsufficientStorage', 'full', /InsufficientStorage \(HTTP 507\).*Free space/],
  ])('S8: %s is not tried again', async (_, status, reason, code, message) => {
    proxy.when('UploadPart', faults.answer(status, reason), { after: 1, times: 3 });
    const error = await failingPut('a', LARGE);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(context.lines).toEqual([]);
    await expectNothingLeft();
  });

  test('S8: the session ends before the object is read back', async () => {
    proxy.when('HeadObject', faults.expiredToken);
    expect((await failingPut('a', SMALL)).message).toMatch(/HeadObject .*\(HTTP 400\).*role-duration-seconds/);
    await expectNothingLeft();
  });

  test('S8: the session ends midway, and the abort fails with it', async () => {
    proxy.when(() => true, faults.expiredToken, { after: 3 });
    const error = await failingPut('a', LARGE);
    expect(error.message).toMatch(/^S3 UploadPart .*raise role-duration-seconds/);
    expect(context.lines).toHaveLength(1);
    expect(context.lines[0]).toMatch(/left open on the server; the next run ends it.*ExpiredToken/);
    expect(context.leftovers.size).toBe(1);
    proxy.reset();
    expect(await store.sweep('', LATER())).toEqual(['a']);
  });

  test('the server goes away midway', async () => {
    proxy.when('UploadPart', faults.die, { after: 2 });
    const error = await failingPut('a', LARGE);
    expect(error.message).toMatch(/UploadPart .*(ECONNREFUSED.*Nothing listens at http:\/\/127|ECONNRESET|EPIPE)/);
    expect(context.lines.at(-1)).toMatch(/left open on the server/);
    expect(context.leftovers.size).toBe(1);
    expect(await keysIn(place)).toEqual([]);
  });

  test.each([403, 405])('S4: a refused abort (%i) does not hide the first error', async (status) => {
    proxy.when('UploadPart', faults.answer(400, 'InvalidRequest'));
    proxy.when('AbortMultipartUpload', faults.answer(status, 'Refused'));
    const error = await failingPut('a', LARGE);
    expect(error.message).toContain('InvalidRequest');
    expect(context.lines).toHaveLength(1);
    expect(context.lines[0]).toMatch(
      `left open on the server; the next run ends it, or a lifecycle rule. S3 AbortMultipartUpload of "backups/a"`,
    );
    expect(context.leftovers.size).toBe(1);
  });
});

describe('S6: Complete', () => {
  test('its answer is lost, and asked again the server knows no such upload', async () => {
    proxy.when('CompleteMultipartUpload', faults.swallowReply, { times: 1 });
    proxy.when('CompleteMultipartUpload', faults.answer(404, 'NoSuchUpload'), { times: 1 });
    expect(await put(store, 'a', LARGE)).toEqual({ size: LARGE.length, uploaded: 'read-back' });
    expect(LARGE.equals(await get(store, 'a'))).toBe(true);
    expect(context.leftovers.size).toBe(0);
    expect(count('AbortMultipartUpload')).toBe(0);
  });

  test('all its answers are lost', async () => {
    proxy.when('CompleteMultipartUpload', faults.swallowReply);
    expect(await put(store, 'a', LARGE)).toEqual({ size: LARGE.length, uploaded: 'read-back' });
    expect(count('CompleteMultipartUpload')).toBe(4);
  });

  test('it never arrived, and the upload is gone', async () => {
    proxy.when('CompleteMultipartUpload', faults.drop, { times: 1 });
    proxy.when('CompleteMultipartUpload', faults.answer(404, 'NoSuchUpload'), { times: 1 });
    expect((await failingPut('a', LARGE)).message).toMatch(/CompleteMultipartUpload .* NoSuchUpload \(HTTP 404\)/);
    await expectNothingLeft();
  });

  test('the upload was ended by somebody else', async () => {
    proxy.when('CompleteMultipartUpload', faults.answer(404, 'NoSuchUpload'), { times: 1 });
    expect((await failingPut('a', LARGE)).message).toContain('NoSuchUpload');
    expect(count('HeadObject')).toBe(0);
    await expectNothingLeft();
  });

  test('it answers 200 with an error, once', async () => {
    proxy.when('CompleteMultipartUpload', faults.errorWithStatus200, { times: 1 });
    expect(await put(store, 'a', LARGE)).toEqual({ size: LARGE.length, uploaded: 'read-back' });
    expect(context.lines[0]).toContain('InternalError');
  });

  test('it answers 200 with an error, always', async () => {
    proxy.when('CompleteMultipartUpload', faults.errorWithStatus200);
    expect((await failingPut('a', LARGE)).message).toMatch(/CompleteMultipartUpload .* InternalError/);
    await expectNothingLeft();
  });
});

describe('S3: read back', () => {
  test.each([LARGE, SMALL])('the object shows itself late', async (bytes) => {
    proxy.when('HeadObject', faults.notFound, { times: 2 });
    expect(await put(store, 'a', bytes)).toEqual({ size: bytes.length, uploaded: 'read-back' });
  });

  test.each([LARGE, SMALL])('the object never shows itself', async (bytes) => {
    proxy.when('HeadObject', faults.notFound);
    const error = await failingPut('a', bytes);
    expect(error).toMatchObject({ code: 'not-found' });
    expect(error.message).toMatch(/HeadObject of "backups\/a"/);
    await expectNothingLeft();
  });

  test.each([LARGE, SMALL])('the object has another size', async (bytes) => {
    proxy.when('HeadObject', async (exchange) => {
      await exchange.reply(await exchange.forward(), { headers: { 'content-length': String(bytes.length + 45) } });
    });
    const error = await failingPut('a', bytes);
    expect(error.message).toMatch(
      `${bytes.length} bytes of "backups/a" were written to S3, but the server reports ${bytes.length + 45}`,
    );
    await expectNothingLeft();
  });

  test.each([LARGE, SMALL])('credentials that may only write', async (bytes) => {
    proxy.when(['GetObject', 'HeadObject', 'ListObjects', 'ListMultipartUploads', 'DeleteObject'], faults.accessDenied);
    await store.open();
    expect(await put(store, 'a', bytes)).toEqual({ size: bytes.length, uploaded: 'acknowledged' });
    expect(context.lines).toEqual([]);
    expect(await keysIn(place)).toEqual(['backups/a']);
    expect(await failureOf(store.read('a'))).toMatchObject({ code: 'denied' });
    expect(await failureOf(keysOf(store))).toMatchObject({ code: 'denied' });
    expect(await failureOf(store.remove('a'))).toMatchObject({ code: 'denied' });
  });

  test('a failed upload that may not be removed is told', async () => {
    proxy.when('HeadObject', faults.internalError);
    proxy.when('DeleteObject', faults.accessDenied);
    expect((await failingPut('a', SMALL)).message).toMatch(/HeadObject .* UnnamedError \(HTTP 500\)/);
    expect(context.lines.at(-1)).toMatch(
      /may be left on the server\. S3 DeleteObject of "backups\/a".*s3:DeleteObject/,
    );
  });
});

describe('S4: cancellation and abort', () => {
  /** Milliseconds. */
  async function timed(work: () => Promise<void>): Promise<number> {
    const start = performance.now();
    await work();
    return performance.now() - start;
  }

  async function untilRequested(operation: string): Promise<void> {
    while (count(operation) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async function uploadOf(bytes: Buffer): Promise<Upload> {
    const upload = await store.create('a');
    await upload.write(bytes);
    return upload;
  }

  test('parts that stall are ended at once, and the upload is aborted', async () => {
    proxy.when('UploadPart', faults.stall);
    const upload = await uploadOf(LARGE);
    await untilRequested('UploadPart');
    context.cancel();
    // Else it would take the abort's own limit, 2.5 s.
    expect(await timed(() => upload.abort())).toBeLessThan(2_000);
    await expectNothingLeft();
  });

  test('a stalled commit ends with the cancellation', async () => {
    proxy.when('CompleteMultipartUpload', faults.stall);
    const upload = await uploadOf(LARGE);
    const failure = failureOf(upload.commit());
    await untilRequested('CompleteMultipartUpload');
    context.cancel();
    expect((await failure).message).toMatch('The run was cancelled');
    await expectNothingLeft();
  });

  test('an upload that is just beginning is aborted too', async () => {
    proxy.when('CreateMultipartUpload', faults.delay(300));
    const upload = await store.create('a');
    const failure = failureOf(upload.write(LARGE));
    await untilRequested('CreateMultipartUpload');
    context.cancel();
    await upload.abort();
    expect((await failure).message).toContain('cancelled');
    expect(count('UploadPart')).toBe(0);
    expect(count('AbortMultipartUpload')).toBe(1);
    await expectNothingLeft();
  });

  test('an abort that stalls gives up in time, and does not throw', async () => {
    store.close();
    await begin({ abortTimeout: 500 });
    proxy.when('AbortMultipartUpload', faults.stall);
    const upload = await uploadOf(LARGE);
    expect(await timed(() => upload.abort())).toBeLessThan(10_000);
    expect(context.leftovers.size).toBe(1);
    while (context.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(context.lines.at(-1)).toMatch(/left open on the server.*TimeoutError/);
  });

  test('what was stored can be removed after a cancellation, within a few seconds', async () => {
    store.close();
    await begin({ abortTimeout: 500 });
    await put(store, 'a', SMALL);
    context.cancel();
    await store.remove('a');
    expect(await keysIn(place)).toEqual([]);
    proxy.when('DeleteObject', faults.stall);
    expect(await timed(async () => void (await failureOf(store.remove('a'))))).toBeLessThan(10_000);
  });

  test('nothing new begins after a cancellation', async () => {
    context.cancel();
    const attempts = [
      () => store.open(),
      () => keysOf(store),
      () => store.read('a'),
      () => store.size('a'),
      () => store.sweep('', LATER()),
      () => store.create('a').then((upload) => upload.commit()),
    ];
    for (const attempt of attempts) expect((await failureOf(attempt())).message).toMatch(/cancelled/);
    expect(proxy.requests).toEqual([]);
  });

  test('a connection on which nothing moves is given up, and the request sent again', async () => {
    store.close();
    await begin({ idleTimeout: 2_000 });
    proxy.when(['UploadPart', 'PutObject', 'GetObject'], faults.stall, { times: 1 });
    await put(store, 'a', LARGE);
    proxy.when('GetObject', faults.stall, { times: 1 });
    expect(LARGE.equals(await get(store, 'a'))).toBe(true);
    expect(context.lines.join()).toMatch(/TimeoutError/);
  });
});

describe('reading', () => {
  test('a connection that ends amid an object is an error', async () => {
    await put(store, 'a', LARGE);
    proxy.when('GetObject', faults.dropResponseAfter(1_000_000));
    const error = await failureOf(get(store, 'a'));
    expect(error).toMatchObject({ name: 'StoreError', code: 'failed' });
    expect(error.message).toMatch(/GetObject of "backups\/a" .*ECONNRESET/);
  });

  test('a stream that nobody reads yet does not end the process when it fails', async () => {
    await put(store, 'a', LARGE);
    proxy.when('GetObject', faults.dropResponseAfter(1_000));
    const stream = await store.read('a');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await expect(stream.forEach(() => {})).rejects.toThrow(/GetObject of "backups\/a"/);
  });

  test('a server that does not know ranges', async () => {
    await put(store, 'a', SMALL);
    proxy.when('GetObject', async (exchange) => {
      delete exchange.request.headers.range;
      const answer = await exchange.forward();
      delete answer.headers['content-range'];
      const at = answer.rawHeaders.findIndex((name) => name.toLowerCase() === 'content-range');
      if (at >= 0) answer.rawHeaders.splice(at, 2);
      await exchange.reply(answer);
    });
    await expect(get(store, 'a', { start: 0, end: 10 })).rejects.toThrow(/sent the whole of "backups\/a"/);
  });

  test('S14: an object in an archive class', async () => {
    proxy.when('GetObject', faults.answer(403, 'InvalidObjectState'));
    await expect(store.read('a')).rejects.toThrow(/archive storage class: restore it from there first/);
  });

  test('S10: a listing that says there is more, and not where, is an error', async () => {
    await put(store, 'a', SMALL);
    proxy.when('ListObjects', async ({ response }) => {
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end('<ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated></ListBucketResult>');
    });
    await expect(keysOf(store)).rejects.toThrow('ended a listing before its end');
  });
});

describe('sweep', () => {
  test.each([403, 405, 501])('what cannot be listed (HTTP %i) is not swept, and told', async (status) => {
    await (await store.create('a')).write(LARGE);
    proxy.when('ListMultipartUploads', faults.answer(status, 'Refused'));
    expect(await store.sweep('', LATER())).toEqual([]);
    expect(context.lines.at(-1)).toMatch(/were not looked for: S3 ListMultipartUploads/);
    proxy.reset();
    expect(await store.sweep('', LATER())).toEqual(['a']);
  });

  test('an upload that cannot be ended does not keep the others', async () => {
    for (const key of ['a', 'b']) await (await store.create(key)).write(LARGE);
    proxy.when('AbortMultipartUpload', faults.accessDenied, { times: 1 });
    expect(await store.sweep('', LATER())).toEqual(['b']);
    expect(context.lines.at(-1)).toMatch(/was not ended: .*s3:AbortMultipartUpload/);
  });
});
