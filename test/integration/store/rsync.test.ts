import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parseStores } from '../../../src/store/location.ts';
import { parseKnownHosts } from '../../../src/store/ssh/known-hosts.ts';
import type { SshLocation } from '../../../src/store/ssh/location.ts';
import { openSshStore } from '../../../src/store/ssh/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { childrenOf, signal } from '../../support/servers/processes.ts';
import { runFolder } from '../../support/servers/run.ts';
import { ensureSshd, type SshServer, startSshd } from '../../support/servers/sshd.ts';
import { type RecordedContext, recordedContext } from '../../support/store/context.ts';
import { bytesOf, failureOf, get, keysOf, put } from '../../support/store/objects.ts';

const HOUR = 3_600_000;

let server: SshServer;
let context: RecordedContext;
let store: Store;
/** Where the store lies on this machine. */
let root: string;
let opened: Store[];

async function storeAt(folder: string, { query = '', knownHosts = '', key = '' } = {}): Promise<Store> {
  const url = `ssh://${server.user}@127.0.0.1:${server.port}${server.root}/${folder}${query}`;
  const [location] = parseStores(url) as SshLocation[];
  const settings = { key: key || server.key, knownHosts: parseKnownHosts(knownHosts || server.knownHosts) };
  const store = await openSshStore(location as SshLocation, settings, context);
  opened.push(store);
  return store;
}

function names(): string[] {
  return readdirSync(root, { recursive: true }).map(String).sort();
}

/** Folders of ours in the place for temporary files: the key, and what is on its way. */
function privateFolders(): string[] {
  return [...context.leftovers].flatMap((leftover) => (leftover.kind === 'folder' ? [leftover.path] : []));
}

/* Each request is a connection of its own: all that every store promises is in test/full/rsync.full.test.ts. */
describe('rsync, rrsync', () => {
  beforeAll(async () => {
    server = await ensureSshd('rrsync');
  });

  beforeEach(async () => {
    context = recordedContext();
    opened = [];
    const folder = `store-${randomBytes(6).toString('hex')}`;
    root = join(server.folder, folder);
    store = await storeAt(folder);
    await store.open();
  });

  afterEach(() => {
    for (const store of opened) store.close();
  });

  test('what is stored comes back, by ranges too, is listed and can be removed', async () => {
    const bytes = bytesOf(3 * 1024 * 1024 + 5);
    expect(await put(store, 'shop/id/data.gpg', bytes)).toEqual({ size: bytes.length, uploaded: 'read-back' });
    await put(store, 'shop/id/manifest.json', bytesOf(2));
    expect(bytes.equals(await get(store, 'shop/id/data.gpg'))).toBe(true);
    expect(await get(store, 'shop/id/data.gpg', { start: 10, end: 20 })).toEqual(bytes.subarray(10, 20));
    expect(await keysOf(store)).toEqual(['shop/id/data.gpg', 'shop/id/manifest.json']);
    expect(await store.folders('shop/')).toEqual(['id']);
    await store.remove('shop/id/data.gpg');
    expect(names()).toEqual(['shop', 'shop/id', 'shop/id/manifest.json']);
    await store.remove('shop/id/manifest.json');
    expect(names()).toEqual([]);
  });

  test('an upload that is given up, and one that is cancelled, leave nothing', async () => {
    const upload = await store.create('shop/id/data.gpg');
    await upload.write(bytesOf(100));
    await upload.abort();
    const other = await store.create('shop/id/data.gpg');
    await other.write(bytesOf(100));
    context.cancel();
    await expect(other.commit()).rejects.toThrow('cancelled');
    expect(names()).toEqual([]);
  });

  test('a server that offers no SFTP is spoken to by rsync, and that is told', () => {
    expect(context.lines.join()).toContain('offers no SFTP to this key: it is spoken to by rsync');
  });

  test('T1: nothing is there under its name before all of it is, and then for its owner alone', async () => {
    const upload = await store.create('shop/id/data.gpg');
    await upload.write(bytesOf(1000));
    expect(names()).toEqual([]);
    const [folder = ''] = privateFolders();
    expect((statSync(folder).mode & 0o777).toString(8)).toBe('700');
    await upload.commit();
    expect((statSync(join(root, 'shop/id/data.gpg')).mode & 0o777).toString(8)).toBe('600');
  });

  test('key, known hosts and what was on its way are gone when it is closed', async () => {
    await put(store, 'shop/a', bytesOf(10));
    await get(store, 'shop/a');
    const folders = privateFolders();
    expect(folders.length).toBeGreaterThan(0);
    for (const store of opened) store.close();
    while (folders.some((folder) => existsSync(folder))) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(context.leftovers.size).toBe(0);
  });

  test('a server with a shell, when the URL says via=rsync', async () => {
    server = await ensureSshd('shell');
    const folder = `store-${randomBytes(6).toString('hex')}`;
    root = join(server.folder, folder);
    const store = await storeAt(folder, { query: '?via=rsync' });
    await store.open();
    await put(store, 'shop/a', bytesOf(10));
    expect(await get(store, 'shop/a', { start: 2, end: 5 })).toEqual(bytesOf(10).subarray(2, 5));
    await store.remove('shop/a');
    expect(names()).toEqual([]);
    server = await ensureSshd('rrsync');
  });

  test('a machine without ssh: that is an error, and no empty store', async () => {
    await put(store, 'shop/a', bytesOf(10));
    const { PATH } = process.env;
    const bin = mkdtempSync(join(runFolder(), 'bin-'));
    symlinkSync('/usr/bin/rsync', join(bin, 'rsync'));
    process.env.PATH = bin;
    try {
      for (const asked of [keysOf(store), store.folders(''), store.size('shop/a'), store.openToRead()]) {
        expect(await failureOf(asked)).toMatchObject({ name: 'StoreError', code: 'failed' });
      }
    } finally {
      process.env.PATH = PATH;
    }
    expect(await keysOf(store)).toEqual(['shop/a']);
  });

  test('nothing is written over', async () => {
    await put(store, 'shop/a', bytesOf(10));
    expect(await failureOf(put(store, 'shop/a', bytesOf(20)))).toMatchObject({ name: 'StoreError' });
    expect(await get(store, 'shop/a')).toEqual(bytesOf(10));
  });

  test('what a server that was switched off has left is swept when it is old', async () => {
    await put(store, 'shop/id/data.gpg', bytesOf(10));
    const left = join(root, 'shop/id/.inventory.json.zst.gpg.Xa1b2C');
    writeFileSync(left, 'half');
    const old = new Date(Date.now() - 30 * HOUR);
    utimesSync(left, old, old);
    expect(await keysOf(store)).toEqual(['shop/id/data.gpg']);
    expect((await store.newestUpload('shop/'))?.getTime()).toBe(Math.floor(old.getTime() / 1000) * 1000);
    expect(await store.sweep('shop/', new Date(old.getTime() - HOUR))).toEqual([]);
    expect(await store.sweep('shop/', new Date(Date.now() - 24 * HOUR))).toEqual(['shop/id/inventory.json.zst.gpg']);
    expect(names()).toEqual(['shop', 'shop/id', 'shop/id/data.gpg']);
  });

  test('another server than the known one, and a key that it does not know', async () => {
    const { knownHosts, key } = await startSshd('shell', mkdtempSync(join(runFolder(), 'sshd-')));
    const strange = knownHosts.replaceAll(/^\S+/gm, `[127.0.0.1]:${server.port}`);
    const stranger = await storeAt('x', { query: '?via=rsync', knownHosts: strange });
    expect(await failureOf(stranger.openToRead())).toMatchObject({
      code: 'denied',
      message: expect.stringMatching(/Host key verification failed|IDENTIFICATION HAS CHANGED/),
    });
    const unknown = await storeAt('x', { query: '?via=rsync', key });
    expect(await failureOf(unknown.openToRead())).toMatchObject({
      code: 'denied',
      message: expect.stringMatching(/authorized_keys/),
    });
  });

  test('a connection that is cut while it sends: the object is not there', async () => {
    const own = await startSshd('rrsync', mkdtempSync(join(runFolder(), 'sshd-')));
    server = own;
    root = join(own.folder, 'cut');
    const store = await storeAt('cut');
    await store.open();
    const upload = await store.create('shop/id/data.gpg');
    for (let part = 0; part < 64; part++) await upload.write(bytesOf(1024 * 1024));
    const committed = failureOf(upload.commit());
    while (childrenOf(own.pid).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const pid of [...childrenOf(own.pid), own.pid]) signal(pid, 'SIGKILL');
    expect(await committed).toMatchObject({ name: 'StoreError', code: 'failed' });
    expect(names().filter((name) => name.endsWith('data.gpg'))).toEqual([]);
    server = await ensureSshd('rrsync');
  });
});
