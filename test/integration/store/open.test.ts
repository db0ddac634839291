import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openStore } from '../../../src/store/open.ts';
import { ensureCeph } from '../../support/servers/ceph.ts';
import { recordedContext } from '../../support/store/context.ts';
import { bytesOf, get, put } from '../../support/store/objects.ts';
import { keysIn, newPlace, SETTINGS } from '../../support/store/place.ts';

let path: string;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'lifeboat-open-'));
});

afterEach(() => rmSync(path, { recursive: true }));

test('the kind of the location says which store it is', async () => {
  const place = await newPlace(await ensureCeph());
  const settings = { s3: { ...SETTINGS, endpoint: place.server.endpoint }, ssh: null, storeTimeout: 60_000 };
  const url = `s3://${place.bucket}/a/b`;
  for (const location of [
    { kind: 'file' as const, url: `file://${path}`, path },
    { kind: 's3' as const, url, bucket: place.bucket, prefix: 'a/b' },
  ]) {
    const store = await openStore(location, settings, recordedContext());
    expect(store.url).toBe(location.url);
    await store.open();
    await put(store, 'shop/data', bytesOf(10));
    expect((await get(store, 'shop/data')).equals(bytesOf(10))).toBe(true);
    store.close();
  }
  expect(await keysIn(place)).toEqual(['a/b/shop/data']);
});
