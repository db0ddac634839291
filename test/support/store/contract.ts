import { describe, expect, test } from '@jest/globals';
import { type Store, StoreError } from '../../../src/store/store.ts';
import type { RecordedContext } from './context.ts';
import { bytesOf, failureOf, get, keysOf, listOf, put } from './objects.ts';

const MiB = 1024 * 1024;

/** A store that was opened for one test, empty. */
export interface Tried {
  store: Store;
  context: RecordedContext;
  /** Everything that lies in the store's place, below its root: unfinished objects too, folders too. */
  names(): string[];
}

/** What every store promises, as tests. `tried` gives the store of the test that runs. */
export function keepsThePromises(tried: () => Tried): void {
  test.each([0, 1, 3 * MiB + 5])('%i bytes come back as they were', async (size) => {
    const { store, context } = tried();
    const tracked = context.leftovers.size;
    const bytes = bytesOf(size);
    expect(await put(store, 'shop/id/data.gpg', bytes)).toEqual({ size, uploaded: 'read-back' });
    expect(bytes.equals(await get(store, 'shop/id/data.gpg'))).toBe(true);
    expect(await store.size('shop/id/data.gpg')).toBe(size);
    expect(tried().names()).toEqual(['shop', 'shop/id', 'shop/id/data.gpg']);
    expect(context.leftovers.size).toBe(tracked);
  });

  test('until it is committed an object is not there, and what is written of it is tracked', async () => {
    const { store, context } = tried();
    const tracked = context.leftovers.size;
    const upload = await store.create('shop/id/data.gpg');
    await upload.write(bytesOf(3 * MiB));
    expect(context.leftovers.size).toBeGreaterThan(0);
    expect(await keysOf(store)).toEqual([]);
    expect(await failureOf(store.size('shop/id/data.gpg'))).toMatchObject({ code: 'not-found' });
    await upload.commit();
    expect(await keysOf(store)).toEqual(['shop/id/data.gpg']);
    expect(context.leftovers.size).toBe(tracked);
  });

  test('abort leaves nothing behind, and may be called again', async () => {
    const { store, context, names } = tried();
    const tracked = context.leftovers.size;
    await put(store, 'shop/other/data.gpg', bytesOf(3));
    const upload = await store.create('shop/id/data.gpg');
    await upload.write(bytesOf(100));
    await upload.abort();
    await upload.abort();
    expect(names()).toEqual(['shop', 'shop/other', 'shop/other/data.gpg']);
    expect(context.leftovers.size).toBe(tracked);
    await expect(upload.write(bytesOf(1))).rejects.toThrow('cancelled');
    await expect(upload.commit()).rejects.toThrow('cancelled');
    expect(names()).toEqual(['shop', 'shop/other', 'shop/other/data.gpg']);
  });

  test('abort after commit changes nothing', async () => {
    const { store } = tried();
    const upload = await store.create('shop/id/data.gpg');
    await upload.commit();
    await upload.abort();
    expect(await keysOf(store)).toEqual(['shop/id/data.gpg']);
  });

  test('cancellation ends an upload', async () => {
    const { store, context, names } = tried();
    const upload = await store.create('shop/id/data.gpg');
    await upload.write(bytesOf(100));
    context.cancel();
    await expect(upload.write(bytesOf(100))).rejects.toThrow(StoreError);
    await expect(upload.commit()).rejects.toThrow(StoreError);
    expect(names()).toEqual([]);
    await expect(store.create('shop/id/data.gpg')).rejects.toThrow('cancelled');
  });

  test('what was stored before a cancellation can be removed after it', async () => {
    const { store, context, names } = tried();
    await put(store, 'shop/id/data.gpg', bytesOf(100));
    context.cancel();
    await store.remove('shop/id/data.gpg');
    expect(names()).toEqual([]);
  });

  test('no key leads out of the store', async () => {
    const { store } = tried();
    for (const key of ['../out', 'a/../../out', '/etc/passwd', 'a//b', '', 'a/.b', 'a\0b']) {
      await expect(store.create(key)).rejects.toThrow('cannot be a key');
      await expect(store.read(key)).rejects.toThrow('cannot be a key');
      await expect(store.remove(key)).rejects.toThrow('cannot be a key');
    }
  });

  test('a range; its end is exclusive and may lie behind the last byte', async () => {
    const { store } = tried();
    const bytes = bytesOf(5000);
    await put(store, 'shop/a', bytes);
    expect(await get(store, 'shop/a', { start: 10, end: 20 })).toEqual(bytes.subarray(10, 20));
    expect(await get(store, 'shop/a', { start: 4990, end: 9999 })).toEqual(bytes.subarray(4990));
    expect(await get(store, 'shop/a', { start: 7, end: 7 })).toEqual(Buffer.alloc(0));
  });

  test('an object that is not there', async () => {
    const { store } = tried();
    await put(store, 'shop/a', bytesOf(1));
    const read = async () => get(store, 'shop/b');
    for (const attempt of [read(), store.size('shop/b'), store.size('shop')]) {
      expect(await failureOf(attempt)).toMatchObject({ name: 'StoreError', code: 'not-found' });
    }
    await store.remove('shop/b');
    expect(await keysOf(store)).toEqual(['shop/a']);
  });

  describe('listing', () => {
    const KEYS = ['shop/a-1', 'shop/a/data', 'shop/a/manifest.json', 'shop/b/data', 'shop2/x', 'top'];

    test('objects come in the order of their keys, with size and time; a prefix is the beginning of a key', async () => {
      const { store } = tried();
      for (const key of [...KEYS].reverse()) await put(store, key, bytesOf(key.length));
      const objects = await listOf(store, '');
      expect(objects.map(({ key }) => key)).toEqual(KEYS);
      for (const { key, size, modified } of objects) {
        expect(size).toBe(key.length);
        expect(Math.abs(modified.getTime() - Date.now())).toBeLessThan(60_000);
      }
      expect(await keysOf(store, 'shop/')).toEqual(KEYS.slice(0, 4));
      expect(await keysOf(store, 'shop/a/ma')).toEqual(['shop/a/manifest.json']);
      expect(await keysOf(store, 'shop')).toEqual(KEYS.slice(0, 5));
      expect(await keysOf(store, 'none/')).toEqual([]);
      expect(await store.folders('')).toEqual(['shop', 'shop2']);
      expect(await store.folders('shop/')).toEqual(['a', 'b']);
      expect(await store.folders('none/')).toEqual([]);
    });

    test('remove takes the folders that become empty with it, but not the root', async () => {
      const { store, names } = tried();
      for (const key of ['shop/a/data', 'shop/a/manifest.json', 'top']) await put(store, key, bytesOf(1));
      await store.remove('shop/a/data');
      expect(await store.folders('shop/')).toEqual(['a']);
      await store.remove('shop/a/manifest.json');
      expect(await store.folders('')).toEqual([]);
      await store.remove('top');
      expect(names()).toEqual([]);
      await store.openToRead();
    });
  });

  test('odd names and the longest ones', async () => {
    const { store } = tried();
    const keys = ['shop/=41 b/d$(x)', `shop/${'n'.repeat(63)}/${'v'.repeat(120)}`, "shop/it's *[a]?/x"].sort();
    for (const key of keys) await put(store, key, Buffer.from(key));
    expect(await keysOf(store)).toEqual(keys);
    for (const key of keys) expect((await get(store, key)).toString()).toBe(key);
    for (const key of keys) await store.remove(key);
    expect(await keysOf(store)).toEqual([]);
  });
}
