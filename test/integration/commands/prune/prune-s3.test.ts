import { CreateMultipartUploadCommand, PutObjectLegalHoldCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { pruneSet } from '../../../../src/commands/prune/prune-set.ts';
import type { StoreRetention } from '../../../../src/commands/prune/report.ts';
import type { Store } from '../../../../src/store/store.ts';
import { dailyIds, into, plainFiles, SET, storeBackup } from '../../../support/data/sample-set.ts';
import { NO_RULES } from '../../../support/data/series.ts';
import { recordedRun } from '../../../support/run-context.ts';
import { ensureCeph } from '../../../support/servers/ceph.ts';
import * as faults from '../../../support/servers/http-faults.ts';
import { type HttpProxy, startHttpProxy } from '../../../support/servers/http-proxy.ts';
import { recordedContext } from '../../../support/store/context.ts';
import { keysOf } from '../../../support/store/objects.ts';
import { newPlace, type Opened, openUploadsIn, type Place, storeAt } from '../../../support/store/place.ts';

const NOW = new Date();
const HOUR = 3_600_000;
const KEEP_TWO = {
  rules: { ...NO_RULES, last: 2 },
  verificationKeys: null,
  signing: null,
  force: false,
  dryRun: false,
};

let place: Place;
let proxy: HttpProxy;
let store: Store;
let context = recordedContext();

beforeAll(async () => {
  place = await newPlace(await ensureCeph(), { objectLock: true });
  proxy = await startHttpProxy(place.server.endpoint);
});

afterAll(() => proxy.die());

beforeEach(async () => {
  proxy.reset();
  context = recordedContext();
  store = await open();
});

afterEach(() => store.close());

/** A store in a folder of the bucket that is new for each test. */
function open(opened: Opened = {}, prefix = crypto.randomUUID()): Promise<Store> {
  return storeAt(place, context, { endpoint: proxy.endpoint, prefix, ...opened });
}

function prune(dryRun = false): Promise<StoreRetention> {
  return pruneSet(
    { store, name: SET, own: null },
    { ...KEEP_TWO, dryRun },
    recordedRun(() => NOW),
  );
}

async function storeAll(ids: string[]): Promise<void> {
  await Promise.all(ids.map((id) => storeBackup(into(store), id)));
}

/** What was deleted, `shop/<id>/<file>`, in the order in which it was asked for. */
function deletions(): string[] {
  return proxy.requests.filter(({ operation }) => operation === 'DeleteObject').map(({ path }) => keyIn(path));
}

function keyIn(path: string): string {
  return path.slice(path.indexOf(`/${SET}/`) + 1);
}

test('the record is written first, then each manifest goes before its volumes; versions are told of', async () => {
  const ids = dailyIds(NOW, 4);
  await storeAll(ids);
  proxy.reset();
  const report = await prune();
  expect(report).toMatchObject({ outcome: 'applied', error: null });
  const changes = proxy.requests
    .filter(({ method }) => method === 'PUT' || method === 'DELETE')
    .map(({ method, path }) => `${method} ${keyIn(path)}`);
  const [third = '', fourth = ''] = ids.slice(2);
  expect(changes.slice(0, 3)).toEqual([
    `DELETE ${report.record}`,
    `PUT ${report.record}`,
    `DELETE shop/${fourth}/manifest.json`,
  ]);
  expect(changes.slice(3, 6).sort()).toEqual(
    plainFiles(fourth)
      .filter((key) => !key.endsWith('.json'))
      .map((key) => `DELETE ${key}`),
  );
  expect(changes[6]).toBe(`DELETE shop/${third}/manifest.json`);
  expect(changes).toHaveLength(10);
  expect(await keysOf(store)).toEqual([...ids.slice(0, 2).flatMap(plainFiles), report.record].sort());
  expect(context.lines.filter((line) => line.includes('keeps versions: what is deleted is hidden'))).toHaveLength(1);
});

describe('S9: object lock', () => {
  test('what is locked is kept, with the date, and does not count as what would go', async () => {
    const prefix = crypto.randomUUID();
    const lock = { objectLock: { mode: 'governance' as const, duration: 2 * HOUR } };
    const locking = await open({ settings: lock }, prefix);
    const ids = dailyIds(NOW, 15);
    await Promise.all(ids.slice(0, 14).map((id) => storeBackup(into(locking), id)));
    locking.close();
    store.close();
    store = await open({}, prefix);
    await storeBackup(into(store), ids[14] ?? '');
    const report = await prune();
    expect(report).toMatchObject({ outcome: 'applied', refusals: [] });
    for (const { decision, reasons } of report.backups.slice(2, 14)) {
      expect([decision, reasons]).toEqual(['keep', [expect.stringMatching(/^locked until 20\d\d-.*Z$/)]]);
      const until = Date.parse(reasons[0]?.slice('locked until '.length) ?? '');
      expect(Math.abs(until - Date.now() - 2 * HOUR)).toBeLessThan(60_000);
    }
    expect(report.backups[14]).toMatchObject({ decision: 'delete', deleted: true });
  });

  test('a volume that is held by law keeps its backup', async () => {
    const ids = dailyIds(NOW, 3);
    await storeAll(ids);
    const { path = '' } = proxy.requests.find(({ path }) => path.endsWith(`${ids[2]}/data.dump.zst.gpg`)) ?? {};
    const Key = decodeURIComponent(path.slice(`/${place.bucket}/`.length));
    await place.client.send(new PutObjectLegalHoldCommand({ Bucket: place.bucket, Key, LegalHold: { Status: 'ON' } }));
    expect((await prune()).backups[2]).toMatchObject({ decision: 'keep', reasons: ['locked by a legal hold'] });
    expect(deletions()).toEqual([]);
  });

  test('in a bucket without it no object is asked', async () => {
    const plain = await newPlace(place.server);
    store.close();
    store = await storeAt(plain, context, { endpoint: proxy.endpoint });
    await storeAll(dailyIds(NOW, 3));
    proxy.reset();
    await prune(true);
    const operations = proxy.requests.map(({ operation }) => operation);
    expect(operations.filter((name) => name === 'GetObjectLockConfiguration')).toHaveLength(1);
    expect(operations).not.toContain('HeadObject');
  });
});

describe('K6: credentials that may not delete', () => {
  test('nothing is deleted, and no record says so', async () => {
    const ids = dailyIds(NOW, 3);
    await storeAll(ids);
    proxy.reset();
    proxy.when('DeleteObject', faults.accessDenied);
    const report = await prune();
    expect(report).toMatchObject({ outcome: 'failed', denied: true, record: null });
    expect(report.error).toMatch(/AccessDenied.*Give these credentials the right s3:DeleteObject/);
    expect(proxy.requests.filter(({ method }) => method === 'PUT')).toEqual([]);
    expect(deletions()).toHaveLength(1);
    expect(await keysOf(store)).toEqual(ids.flatMap(plainFiles).sort());
  });

  test('none that cannot be read is deleted', async () => {
    const ids = dailyIds(NOW, 3);
    await storeAll(ids);
    proxy.when('GetObject', faults.accessDenied);
    expect(await prune()).toMatchObject({ outcome: 'failed', denied: true, record: null });
    expect(deletions()).toEqual([]);
  });
});

test('K5: an object that cannot be deleted is named, the others of its backup go, and no further backup', async () => {
  const ids = dailyIds(NOW, 4);
  await storeAll(ids);
  proxy.when(({ method, path }) => method === 'DELETE' && path.endsWith('/data.dump.zst.gpg'), faults.accessDenied);
  const report = await prune();
  expect(report).toMatchObject({ outcome: 'failed', error: expect.stringContaining(`${ids[3]}/data.dump.zst.gpg`) });
  expect(report.backups.map(({ deleted }) => deleted)).toEqual([false, false, false, true]);
  const left = [...ids.slice(0, 3).flatMap(plainFiles), `shop/${ids[3]}/data.dump.zst.gpg`, report.record ?? ''];
  expect(await keysOf(store)).toEqual(left.sort());
});

describe('the clock of the server', () => {
  test('is followed', async () => {
    const before = store.clock();
    await keysOf(store);
    expect(before).toBeNull();
    expect(Math.abs((store.clock()?.getTime() ?? 0) - Date.now())).toBeLessThan(5_000);
    proxy.when('ListObjects', faults.skewDate(-30 * 24 * HOUR), { times: 1 });
    await keysOf(store);
    expect(Math.abs((store.clock()?.getTime() ?? 0) - Date.now() + 30 * 24 * HOUR)).toBeLessThan(5_000);
  });

  test('K2: when ours is more than 3 days off, nothing is deleted', async () => {
    const ids = dailyIds(NOW, 4);
    await storeAll(ids);
    store.clock = () => new Date(NOW.getTime() - 4 * 24 * HOUR);
    const report = await prune();
    expect(report).toMatchObject({
      outcome: 'refused',
      refusals: [expect.stringMatching(/^this machine's clock says/)],
    });
    expect(deletions()).toEqual([]);
  });
});

describe('K4: leftovers', () => {
  let begun = '';
  let others: string[] = [];

  beforeEach(async () => {
    [begun = '', ...others] = dailyIds(NOW, 3).reverse();
    await storeAll(others);
    await storeBackup(into(store), begun, { without: ['manifest.json'] });
    // For Ceph's dates cannot be set: its clock goes on by a day.
    store.clock = () => new Date(Date.now() + 25 * HOUR);
  });

  test('go after a day, by the clock of the server', async () => {
    expect(await prune()).toMatchObject({ outcome: 'applied', leftovers: [{ id: begun, deleted: true }] });
    expect((await keysOf(store)).filter((key) => key.includes(begun))).toEqual([]);
  });

  test.each<[string, () => void, RegExp]>([
    [
      'its manifest may not be read',
      () => proxy.when(isManifest, faults.accessDenied),
      /whether it has a manifest cannot/,
    ],
    [
      'the server fails',
      () => proxy.when(isManifest, faults.internalError),
      /whether it has a manifest cannot be seen/,
    ],
    [
      'it has a manifest that the listing does not show',
      () => proxy.when(isManifest, faults.answer(200, 'x')),
      /has a manifest/,
    ],
    [
      'uploads may not be listed',
      () => proxy.when('ListMultipartUploads', faults.accessDenied),
      /still writes to it cannot/,
    ],
  ])('stay when %s', async (_, spoil, whyNot) => {
    spoil();
    const report = await prune();
    expect(report.leftovers).toEqual([
      expect.objectContaining({ id: begun, deleted: false, whyNot: expect.stringMatching(whyNot) }),
    ]);
    expect(deletions()).toEqual([]);
  });

  function isManifest({ operation, path }: { operation: string; path: string }): boolean {
    return operation === 'GetObject' && path.endsWith(`${begun}/manifest.json`);
  }

  test('stay while an upload is open that was begun in the last day', async () => {
    const { path = '' } = proxy.requests.find(({ path }) => path.includes(begun)) ?? {};
    const Key = decodeURIComponent(path.slice(`/${place.bucket}/`.length)).replace(/[^/]+$/, 'data.dump.zst.gpg.0001');
    await place.client.send(new CreateMultipartUploadCommand({ Bucket: place.bucket, Key }));
    store.clock = () => new Date(Date.now() + 23 * HOUR);
    expect((await prune()).leftovers).toMatchObject([{ deleted: false, whyNot: expect.stringContaining('24 h') }]);
    store.clock = () => new Date(Date.now() + 25 * HOUR);
    expect((await prune()).leftovers).toMatchObject([{ deleted: true }]);
    expect((await openUploadsIn(place)).filter((key) => key.includes(begun))).toEqual([]);
  });
});
