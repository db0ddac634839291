import { CreateMultipartUploadCommand, DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Leftover } from '../../../src/leftovers.ts';
import { abortS3Upload } from '../../../src/store/s3/upload/abort.ts';
import type { Store } from '../../../src/store/store.ts';
import { ensureCeph } from '../../support/servers/ceph.ts';
import { startHttpProxy } from '../../support/servers/http-proxy.ts';
import { ensureSwift } from '../../support/servers/swift.ts';
import { type RecordedContext, recordedContext } from '../../support/store/context.ts';
import { bytesOf, failureOf, get, keysOf, listOf, put } from '../../support/store/objects.ts';
import {
  headOf,
  keysIn,
  newName,
  newPlace,
  type Opened,
  openUploadsIn,
  PART,
  type Place,
  storeAt,
} from '../../support/store/place.ts';

const HOUR = 3_600_000;

let context: RecordedContext;
let opened: Store[];

beforeEach(() => {
  context = recordedContext();
  opened = [];
});

afterEach(() => {
  for (const store of opened) store.close();
});

async function at(place: Place, how: Opened = {}): Promise<Store> {
  const store = await storeAt(place, context, how);
  opened.push(store);
  return store;
}

describe.each([
  ['Ceph', ensureCeph],
  ['Swift', ensureSwift],
])('on %s', (_, ensure) => {
  let place: Place;
  let store: Store;

  beforeAll(async () => {
    place = await newPlace(await ensure());
  });

  beforeEach(async () => {
    store = await at(place);
    await store.open();
  });

  test.each([0, 1, PART - 1, PART, PART + 1, 3.5 * PART])('%i bytes come back as they were', async (size) => {
    const bytes = bytesOf(size);
    expect(await put(store, `shop/${size}/data.gpg`, bytes)).toEqual({ size, uploaded: 'read-back' });
    expect(bytes.equals(await get(store, `shop/${size}/data.gpg`))).toBe(true);
    expect(await store.size(`shop/${size}/data.gpg`)).toBe(size);
    expect(context.tracked).toHaveLength(size > PART ? 1 : 0);
    expect(context.leftovers.size).toBe(0);
    expect(await openUploadsIn(place)).toEqual([]);
    expect(context.lines).toEqual([]);
  });

  test('it has no end that could be told', async () => {
    expect(await store.freeSpace()).toBeNull();
  });

  test('S12: odd characters in the prefix', async () => {
    const odd = await at(place, { prefix: `sp ace/ü+&%?#'"` });
    await odd.open();
    await put(odd, 'shop/id/small', bytesOf(100));
    await put(odd, 'shop/id/large', bytesOf(PART + 1));
    expect(await keysOf(odd)).toEqual(['shop/id/large', 'shop/id/small']);
    expect(await keysIn(place)).toContain(`sp ace/ü+&%?#'"/shop/id/small`);
    expect(await odd.folders('shop/')).toEqual(['id']);
    expect(bytesOf(PART + 1).equals(await get(odd, 'shop/id/large'))).toBe(true);
    const unfinished = await odd.create('shop/id/unfinished');
    await unfinished.write(bytesOf(PART + 1));
    expect(await odd.sweep('shop/', new Date(Date.now() + HOUR))).toEqual(['shop/id/unfinished']);
    await unfinished.abort();
    await odd.remove('shop/id/small');
    expect(await keysOf(odd, 'shop/id/s')).toEqual([]);
  });

  test('listing: objects, folders, prefixes', async () => {
    const root = await at(place, { prefix: 'listing' });
    for (const key of ['shop/b/data', 'shop/a/manifest.json', 'shop/a/data', 'shop/a-1', 'shop2/x', 'top']) {
      await put(root, key, bytesOf(key.length));
    }
    await place.client.send(new PutObjectCommand({ Bucket: place.bucket, Key: 'listing/shop/', ContentLength: 0 }));
    await place.client.send(new PutObjectCommand({ Bucket: place.bucket, Key: 'listing2/other', Body: 'x' }));

    const objects = await listOf(root, '');
    expect(objects.map(({ key }) => key)).toEqual([
      'shop/a-1',
      'shop/a/data',
      'shop/a/manifest.json',
      'shop/b/data',
      'shop2/x',
      'top',
    ]);
    for (const { key, size, modified } of objects) {
      expect(size).toBe(key.length);
      expect(Math.abs(modified.getTime() - Date.now())).toBeLessThan(60_000);
    }
    expect(await keysOf(root, 'shop/')).toHaveLength(4);
    expect(await keysOf(root, 'shop/a/ma')).toEqual(['shop/a/manifest.json']);
    expect(await keysOf(root, 'none/')).toEqual([]);
    expect(await root.folders('')).toEqual(['shop', 'shop2']);
    expect(await root.folders('shop/')).toEqual(['a', 'b']);
    expect(await root.folders('none/')).toEqual([]);
  });

  test('a range; its end is exclusive and may lie behind the last byte', async () => {
    const bytes = bytesOf(PART + 100);
    await put(store, 'ranged', bytes);
    expect((await get(store, 'ranged', { start: 10, end: 20 })).equals(bytes.subarray(10, 20))).toBe(true);
    const last = { start: PART - 1, end: PART + 9999 };
    expect((await get(store, 'ranged', last)).equals(bytes.subarray(PART - 1))).toBe(true);
    expect(await get(store, 'ranged', { start: 7, end: 7 })).toEqual(Buffer.alloc(0));
  });

  test('an object that is not there', async () => {
    for (const attempt of [store.read('none'), store.size('none')]) {
      const error = await failureOf(attempt);
      expect(error).toMatchObject({ name: 'StoreError', code: 'not-found' });
      expect(error.message).toContain('"backups/none"');
    }
    await store.remove('none');
  });

  test('objects carry a type and a mark', async () => {
    await put(store, 'shop/id/manifest.json', bytesOf(10));
    await put(store, 'shop/id/data.gpg', bytesOf(PART + 1));
    const json = await headOf(place, 'backups/shop/id/manifest.json');
    expect(json).toMatchObject({ ContentType: 'application/json', Metadata: { lifeboat: '1' } });
    const data = await headOf(place, 'backups/shop/id/data.gpg');
    expect(data).toMatchObject({ ContentType: 'application/octet-stream', Metadata: { lifeboat: '1' } });
  });

  test('S4: an aborted upload leaves nothing, is tracked until then, and may be aborted again', async () => {
    const upload = await store.create('shop/aborted/data.gpg');
    await upload.write(bytesOf(2 * PART + 1));
    expect([...context.leftovers]).toMatchObject([
      {
        kind: 's3-upload',
        bucket: place.bucket,
        key: 'backups/shop/aborted/data.gpg',
        endpoint: place.server.endpoint,
      },
    ]);
    expect(await openUploadsIn(place)).toEqual(['backups/shop/aborted/data.gpg']);
    await upload.abort();
    await upload.abort();
    expect(await openUploadsIn(place)).toEqual([]);
    expect(context.leftovers.size).toBe(0);
    await expect(upload.write(bytesOf(1))).rejects.toThrow('cancelled');
    await expect(upload.commit()).rejects.toThrow('cancelled');
    expect(await keysOf(store, 'shop/aborted/')).toEqual([]);
  });

  test('S4: cancellation aborts the upload on the server all the same', async () => {
    const upload = await store.create('shop/cancelled/data.gpg');
    await upload.write(bytesOf(2 * PART + 1));
    context.cancel();
    await expect(upload.write(bytesOf(PART))).rejects.toThrow('cancelled');
    await expect(upload.commit()).rejects.toThrow('cancelled');
    expect(await openUploadsIn(place)).toEqual([]);
    expect(context.leftovers.size).toBe(0);
    expect(context.lines).toEqual([]);
  });

  test('the upload of a killed run is ended from what was tracked', async () => {
    const upload = await store.create('shop/killed/data.gpg');
    await upload.write(bytesOf(PART + 1));
    const [leftover] = context.tracked as Extract<Leftover, { kind: 's3-upload' }>[];
    if (leftover === undefined) throw new Error('nothing was tracked');
    await abortS3Upload(JSON.parse(JSON.stringify(leftover)));
    expect(await openUploadsIn(place)).toEqual([]);
    await abortS3Upload(leftover);
    await upload.abort();
  });

  test('S4: sweep ends unfinished uploads of that prefix, begun before that time, and nothing else', async () => {
    const begin = (key: string) =>
      place.client.send(new CreateMultipartUploadCommand({ Bucket: place.bucket, Key: key }));
    for (const key of ['backups/shop/old/data', 'backups/shop2/old/data', 'other/shop/old/data']) await begin(key);
    expect(await store.sweep('shop/', new Date(Date.now() - HOUR))).toEqual([]);
    expect(await openUploadsIn(place)).toHaveLength(3);
    expect(await store.sweep('shop/', new Date(Date.now() + HOUR))).toEqual(['shop/old/data']);
    expect(await openUploadsIn(place)).toEqual(['backups/shop2/old/data', 'other/shop/old/data']);
    expect(await (await at(place, { prefix: '' })).sweep('', new Date(Date.now() + HOUR))).toHaveLength(2);
  });

  test('S1: what is sent has a length and Content-MD5, and no checksum of the SDK', async () => {
    const proxy = await startHttpProxy(place.server.endpoint);
    const proxied = await at(place, { endpoint: proxy.endpoint });
    await put(proxied, 'shop/headers/small', bytesOf(100));
    await put(proxied, 'shop/headers/large', bytesOf(2 * PART));
    const bodies = proxy.requests.filter(({ operation }) => ['PutObject', 'UploadPart'].includes(operation));
    expect(bodies.map(({ operation }) => operation)).toEqual(['PutObject', 'UploadPart', 'UploadPart']);
    for (const { headers } of bodies) {
      expect(headers['content-md5']).toMatch(/^[\w+/]{22}==$/);
      expect(Number(headers['content-length'])).toBeGreaterThan(0);
      expect(headers['content-encoding']).toBeUndefined();
      expect(headers['transfer-encoding']).toBeUndefined();
    }
    for (const { headers } of proxy.requests) {
      expect(Object.keys(headers).filter((name) => /checksum|trailer/.test(name))).toEqual([]);
    }
    await proxy.die();
  });

  test('a bucket is made only when that is asked for', async () => {
    const bucket = newName();
    const unasked = await failureOf((await at(place, { bucket })).open());
    expect(unasked).toMatchObject({ code: 'failed' });
    expect(unasked.message).toMatch(`The bucket "${bucket}" does not exist. Create it, set s3-create-bucket: true`);
    const asked = await at(place, { bucket, settings: { createBucket: true } });
    await asked.open();
    await asked.open();
    await put(asked, 'a', bytesOf(1));
    expect(await keysIn({ ...place, bucket })).toEqual(['backups/a']);
    expect(context.lines).toEqual([`Created the bucket "${bucket}".`]);
  });
});

describe('on Ceph', () => {
  let place: Place;

  beforeAll(async () => {
    place = await newPlace(await ensureCeph());
  });

  test('S10: a listing of more than 1,000 objects is whole', async () => {
    const store = await at(place, { prefix: 'many' });
    const keys = Array.from({ length: 1_005 }, (_, index) => `shop/${String(index).padStart(5, '0')}/x`);
    const left = [...keys];
    const worker = async () => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) {
        await place.client.send(new PutObjectCommand({ Bucket: place.bucket, Key: `many/${key}`, Body: 'x' }));
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    expect(await keysOf(store)).toEqual(keys);
    expect(await store.folders('shop/')).toHaveLength(1_005);
  });

  describe('object lock', () => {
    let locked: Place;

    beforeAll(async () => {
      locked = await newPlace(await ensureCeph(), { objectLock: true });
    });

    test.each([10, PART + 10])('S9: it is asked for, and read back (%i bytes)', async (size) => {
      const objectLock = { mode: 'governance' as const, duration: 2 * HOUR };
      const store = await at(locked, { settings: { objectLock } });
      await store.open();
      const { lockedUntil } = await put(store, `locked/${size}`, bytesOf(size));
      expect(Math.abs((lockedUntil?.getTime() ?? 0) - Date.now() - 2 * HOUR)).toBeLessThan(60_000);
      const { VersionId, ObjectLockMode } = await headOf(locked, `backups/locked/${size}`);
      expect(ObjectLockMode).toBe('GOVERNANCE');
      const versions = { Bucket: locked.bucket, Key: `backups/locked/${size}`, VersionId };
      await expect(locked.client.send(new DeleteObjectCommand(versions))).rejects.toMatchObject({
        name: 'AccessDenied',
      });
    });

    test('a bucket that has none is refused before anything is written', async () => {
      const settings = { objectLock: { mode: 'compliance' as const, duration: HOUR } };
      await expect((await at(place, { settings })).open()).rejects.toThrow(/has no object lock.*s3-object-lock is set/);
    });

    test('a bucket that we make has it', async () => {
      const bucket = newName();
      const settings = { createBucket: true, objectLock: { mode: 'governance' as const, duration: HOUR } };
      const store = await at(place, { bucket, settings });
      await store.open();
      expect(await put(store, 'locked', bytesOf(1))).toHaveProperty('lockedUntil');
    });
  });

  test.each([{ storageClass: 'NONE_SUCH' }, { sse: 'aws:kms', kmsKey: 'none' }])(
    'what the server cannot do is a clear error: %j',
    async (settings) => {
      const store = await at(place, { settings });
      expect((await failureOf(put(store, 'x', bytesOf(1)))).message).toMatch(
        /PutObject of "backups\/x".*\(HTTP 400, request id tx/,
      );
      expect(await keysIn(place)).not.toContain('backups/x');
    },
  );
});

describe('on Swift', () => {
  let place: Place;
  const settings = { objectLock: { mode: 'governance' as const, duration: HOUR } };

  beforeAll(async () => {
    place = await newPlace(await ensureSwift());
  });

  test('S9: it knows no object lock, which is noticed before anything is written', async () => {
    await (await at(place)).open();
    await expect((await at(place, { settings })).open()).rejects.toThrow(/does not know object lock/);
  });

  test.each([10, PART + 10])(
    'S9: a lock that was taken and ignored is noticed by reading back (%i bytes)',
    async (size) => {
      expect(await put(await at(place), `locked/${size}`, bytesOf(size))).toMatchObject({ uploaded: 'read-back' });
      const error = await failureOf(put(await at(place, { settings }), `locked2/${size}`, bytesOf(size)));
      expect(error.message).toMatch(
        /object lock GOVERNANCE until .*, but the server reports no such lock: it ignores object lock/,
      );
      expect(await keysIn(place)).not.toContain(`backups/locked2/${size}`);
    },
  );

  test('S2: it takes 1,000 parts', async () => {
    const store = await at(place, { options: { partSize: 100, partsUnderWay: 8 } });
    const upload = await store.create('too/many');
    const error = await failureOf(upload.write(bytesOf(1_010 * 100)).then(() => upload.commit()));
    await upload.abort();
    expect(error.message).toMatch(
      /UploadPart of "backups\/too\/many".*between 1 and 1000.*store it as smaller volumes/,
    );
    expect(await openUploadsIn(place)).toEqual([]);
  });

  test('S2: a limit that we know is not tried', async () => {
    const store = await at(place, { options: { maxParts: 2 } });
    const two = await store.create('two');
    await two.write(bytesOf(2 * PART));
    await two.commit();
    const three = await store.create('three');
    await expect(three.write(bytesOf(2 * PART + 1))).resolves.toBeUndefined();
    await expect(three.commit()).rejects.toThrow(/longer than the 2 parts of 5242880 bytes/);
    expect(await openUploadsIn(place)).toEqual([]);
    expect(await keysIn(place)).not.toContain('backups/three');
  });
});
