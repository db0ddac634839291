import { createHmac, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parseStores } from '../../../src/store/location.ts';
import { parseKnownHosts } from '../../../src/store/ssh/known-hosts.ts';
import type { SshLocation } from '../../../src/store/ssh/location.ts';
import { openSshStore } from '../../../src/store/ssh/open.ts';
import type { SshOptions } from '../../../src/store/ssh/options.ts';
import type { Store, Upload } from '../../../src/store/store.ts';
import { freePort } from '../../support/servers/free-port.ts';
import { notRun } from '../../support/servers/not-run.ts';
import { childrenOf, signal } from '../../support/servers/processes.ts';
import { runFolder } from '../../support/servers/run.ts';
import { canChroot, ensureSshd, type SshForm, type SshServer, startSshd } from '../../support/servers/sshd.ts';
import { type RecordedContext, recordedContext } from '../../support/store/context.ts';
import { keepsThePromises } from '../../support/store/contract.ts';
import { bytesOf, failureOf, get, keysOf, put } from '../../support/store/objects.ts';

const MiB = 1024 * 1024;
const HOUR = 3_600_000;

const FORMS: SshForm[] = canChroot ? ['shell', 'chroot'] : ['shell'];
if (!canChroot) notRun('SFTP in a chroot', 'it needs root');

let server: SshServer;
let context: RecordedContext;
let store: Store;
/** Where the store lies on this machine. */
let root: string;
let opened: Store[];

interface How {
  /** Other lines than those of the server. */
  knownHosts?: string;
  key?: string;
  options?: Partial<SshOptions>;
}

async function storeAt(folder: string, { knownHosts, key, options }: How = {}): Promise<Store> {
  const url = `ssh://${server.user}@127.0.0.1:${server.port}${server.root}/${folder}`;
  const [location] = parseStores(url) as SshLocation[];
  const settings = { key: key ?? server.key, knownHosts: parseKnownHosts(knownHosts ?? server.knownHosts) };
  const store = await openSshStore(location as SshLocation, settings, context, options);
  opened.push(store);
  return store;
}

function names(): string[] {
  return readdirSync(root, { recursive: true }).map(String).sort();
}

function mode(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

/* The three forms are "SFTP, shell", "SFTP, chroot", and one that speaks no SFTP. */
describe.each(FORMS)('SFTP, %s', (form) => {
  beforeAll(async () => {
    server = await ensureSshd(form);
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

  keepsThePromises(() => ({ store, context, names }));

  test('T1: what is being written has the name <key>.part, for its owner alone, and is remembered for the post step', async () => {
    const upload = await store.create('shop/id/data.gpg');
    await upload.write(bytesOf(MiB));
    expect(names()).toEqual(['shop', 'shop/id', 'shop/id/data.gpg.part']);
    expect(mode(join(root, 'shop/id/data.gpg.part'))).toBe('600');
    expect(mode(join(root, 'shop/id'))).toBe('700');
    expect([...context.leftovers]).toEqual([{ kind: 'part', url: store.url, key: 'shop/id/data.gpg' }]);
    await upload.abort();
    expect(names()).toEqual([]);
  });

  // What follows is the same wherever SFTP is spoken.
  if (form !== 'shell') return;

  test('nothing is written over: not even by another that began at the same time', async () => {
    await put(store, 'shop/id/data.gpg', bytesOf(10));
    const error = await failureOf(put(store, 'shop/id/data.gpg', bytesOf(20)));
    expect(error).toMatchObject({ name: 'StoreError', message: expect.stringContaining('nothing is overwritten') });
    expect(await get(store, 'shop/id/data.gpg')).toEqual(bytesOf(10));
    expect(names()).toEqual(['shop', 'shop/id', 'shop/id/data.gpg']);
  });

  test('abort while commit is under way leaves either the whole object or nothing', async () => {
    let committed = 0;
    for (let round = 0; round < 40; round++) {
      const upload = await store.create('shop/id/data.gpg');
      await upload.write(bytesOf(1000));
      const commit = upload.commit().then(
        () => true,
        () => false,
      );
      // Every other time in the moment in which it has its name, and the answer is still under way.
      const isTime = (turn: number) => (round % 2 === 0 ? turn >= round : existsSync(join(root, 'shop/id/data.gpg')));
      for (let turn = 0; !isTime(turn); turn++) await new Promise((resolve) => setImmediate(resolve));
      await upload.abort();
      const done = await commit;
      committed += Number(done);
      expect(await keysOf(store)).toEqual(done ? ['shop/id/data.gpg'] : []);
      expect(names().filter((name) => name.endsWith('.part'))).toEqual([]);
      await store.remove('shop/id/data.gpg');
    }
    expect(committed).toBeLessThan(40);
  });

  test('T1: what the server has on its disk must be what was sent: the size, and the sha256', async () => {
    const part = join(root, 'shop/id/data.gpg.part');
    const written = async () => {
      const upload = await store.create('shop/id/data.gpg');
      await upload.write(bytesOf(MiB));
      while (statSync(part).size < MiB) await new Promise((resolve) => setTimeout(resolve, 5));
      return upload;
    };
    const changed = await written();
    const file = openSync(part, 'r+');
    writeSync(file, Buffer.from([~(bytesOf(4712)[4711] ?? 0) & 255]), 0, 1, 4711);
    closeSync(file);
    expect((await failureOf(changed.commit())).message).toMatch(/is not what was sent: its sha256 is/);
    expect(names()).toEqual([]);
    const cut = await written();
    truncateSync(part, 1000);
    expect((await failureOf(cut.commit())).message).toMatch(/1048576 bytes of .* were sent, but .* reports 1000/);
    expect(names()).toEqual([]);
  });

  test('links, hidden names and unfinished files are not listed', async () => {
    await put(store, 'shop/a', bytesOf(1));
    writeFileSync(join(root, 'shop/.hidden'), '');
    writeFileSync(join(root, 'shop/b.part'), '');
    symlinkSync('/etc', join(root, 'shop/link'));
    symlinkSync('/etc/passwd', join(root, 'shop/passwd'));
    mkdirSync(join(root, '.snapshot'));
    writeFileSync(join(root, '.snapshot/a'), '');
    expect(await keysOf(store)).toEqual(['shop/a']);
    expect(await store.folders('')).toEqual(['shop']);
    expect(await store.folders('shop/')).toEqual([]);
  });

  test('a folder of more files than one answer holds', async () => {
    mkdirSync(join(root, 'shop'));
    const keys = Array.from({ length: 1500 }, (_, index) => `shop/${String(index).padStart(5, '0')}`);
    for (const key of keys) writeFileSync(join(root, key), key);
    expect(await keysOf(store)).toEqual(keys);
  });

  test('what killed runs left is found, and swept when it is old', async () => {
    await put(store, 'shop/new/data', bytesOf(1));
    const part = (key: string, hoursAgo: number) => {
      mkdirSync(join(root, key, '..'), { recursive: true });
      writeFileSync(join(root, `${key}.part`), 'x');
      utimesSync(join(root, `${key}.part`), new Date(), new Date(Date.now() - hoursAgo * HOUR));
    };
    part('shop/killed/data', 30);
    part('shop/new/other', 1);
    part('shop2/killed/data', 30);
    const newest = await store.newestUpload('shop/');
    expect(Math.abs((newest?.getTime() ?? 0) - (Date.now() - HOUR))).toBeLessThan(60_000);
    expect(await store.newestUpload('none/')).toBeNull();
    expect(await store.sweep('shop/', new Date(Date.now() - 24 * HOUR))).toEqual(['shop/killed/data']);
    expect(names().filter((name) => name.endsWith('.part'))).toEqual(['shop/new/other.part', 'shop2/killed/data.part']);
    expect(existsSync(join(root, 'shop/killed'))).toBe(false);
  });

  test("free space and the clock are the server's", async () => {
    expect(await store.freeSpace()).toBeGreaterThan(MiB);
    expect(Math.abs((store.clock()?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(await store.lockOf('shop/a')).toBeNull();
  });

  test('to read, the folder must be there; it is not made', async () => {
    const missing = await storeAt('not/mounted');
    expect(await failureOf(missing.openToRead())).toMatchObject({ code: 'not-found' });
    expect(existsSync(join(server.folder, 'not'))).toBe(false);
    writeFileSync(join(root, 'file'), '');
    const file = await storeAt(`${root.slice(server.folder.length + 1)}/file`);
    for (const attempt of [() => file.open(), () => file.openToRead()]) {
      expect((await failureOf(attempt())).message).toContain('is a file');
    }
  });
});

describe('who is spoken to', () => {
  beforeAll(async () => {
    server = await ensureSshd('shell');
  });

  beforeEach(() => {
    context = recordedContext();
    opened = [];
  });

  afterEach(() => {
    for (const store of opened) store.close();
  });

  const open = async (how: How) => (await storeAt('known', how)).open();
  /** The lines of a server that is not this one. */
  const strangers = async () => {
    const { knownHosts } = await ensureSshd('rrsync');
    return knownHosts.replaceAll(/^\S+/gm, `[127.0.0.1]:${server.port}`);
  };

  test('T4: a server that shows another key than the known one is told nothing', async () => {
    const error = await failureOf(open({ knownHosts: await strangers() }));
    expect(error).toMatchObject({ name: 'StoreError', code: 'denied' });
    expect(error.message).toMatch(
      /shows the host key SHA256:\S{43}, and ssh-known-hosts has SHA256:\S{43}, .*Nothing was sent/,
    );
  });

  test('T4: one known key of several will do, whatever kind the server would rather show', async () => {
    for (const line of server.knownHosts.trim().split('\n')) await open({ knownHosts: line });
  });

  test('T4: hashed names, names without a port, patterns; a revoked key counts before a known one', async () => {
    const [line = ''] = server.knownHosts.split('\n');
    const key = line.replace(/^\S+ /, '');
    const salt = randomBytes(20);
    const hash = createHmac('sha1', salt).update(`[127.0.0.1]:${server.port}`).digest('base64');
    await open({ knownHosts: `|1|${salt.toString('base64')}|${hash} ${key}` });
    await open({ knownHosts: `127.0.0.1 ${key}` });
    await open({ knownHosts: `other.example.com,[127.0.0.*]:* ${key} backups` });
    const revoked = await failureOf(open({ knownHosts: `${server.knownHosts}@revoked * ${key}` }));
    expect(revoked).toMatchObject({ code: 'denied' });
    const others = await failureOf(open({ knownHosts: `![127.0.0.1]:*,!127.0.0.1,* ${key}` }));
    expect(others.name).toBe('StoreError');
  });

  test('a key that the server does not know', async () => {
    const { key } = await ensureSshd('rrsync');
    const error = await failureOf(open({ key }));
    expect(error).toMatchObject({ name: 'StoreError', code: 'denied' });
    expect(error.message).toMatch(/does not let this key in .*authorized_keys/);
  });

  test('nobody there', async () => {
    const port = await freePort();
    const real = server;
    server = { ...server, port, knownHosts: server.knownHosts.replaceAll(/^\S+/gm, '127.0.0.1') };
    const error = await failureOf(open({}));
    server = real;
    expect(error).toMatchObject({ name: 'StoreError', code: 'failed' });
    expect(error.message).toMatch(/ECONNREFUSED.*Check name and port/);
  });
});

describe('a connection that does not last', () => {
  const OPTIONS = { answerTimeout: 3_000, connectTimeout: 60_000, cleanUpTimeout: 30_000 };

  beforeEach(async () => {
    server = await startSshd('shell', mkdtempSync(join(runFolder(), 'sshd-')));
    context = recordedContext();
    opened = [];
    root = join(server.folder, 'store');
    store = await storeAt('store', { options: OPTIONS });
    await store.open();
  });

  afterEach(() => {
    for (const store of opened) store.close();
    for (const pid of [...childrenOf(server.pid), server.pid]) signal(pid, 'SIGKILL');
  });

  test('one that is cut while it is written to fails the upload, and nothing of it stays', async () => {
    const upload = await store.create('shop/id/data.gpg');
    await upload.write(bytesOf(MiB));
    for (const pid of childrenOf(server.pid)) signal(pid, 'SIGKILL');
    const error = await failureOf(writeOn(upload));
    expect(error).toMatchObject({ name: 'StoreError', code: 'failed' });
    await upload.abort();
    expect(names()).toEqual([]);
    expect(context.leftovers.size).toBe(0);
  });

  test('one that is cut while it is read from fails the read, and the next read opens another', async () => {
    const bytes = bytesOf(8 * MiB);
    await put(store, 'shop/data', bytes);
    const stream = await store.read('shop/data');
    for (const pid of childrenOf(server.pid)) signal(pid, 'SIGKILL');
    const error = await failureOf(buffer(stream));
    expect(error).toMatchObject({ name: 'StoreError', code: 'failed' });
    expect(bytes.equals(await get(store, 'shop/data'))).toBe(true);
  });

  test('a server that does not answer any more is given up', async () => {
    const upload = await store.create('shop/id/data.gpg');
    await upload.write(bytesOf(MiB));
    for (const pid of childrenOf(server.pid)) signal(pid, 'SIGSTOP');
    const error = await failureOf(writeOn(upload));
    expect(error.message).toMatch(/no answer for 3 s/);
    await upload.abort();
    expect(names()).toEqual([]);
  });

  test('when the server is gone, what is left is said, and stays remembered', async () => {
    const upload = await store.create('shop/id/data.gpg');
    await upload.write(bytesOf(MiB));
    for (const pid of [server.pid, ...childrenOf(server.pid)]) signal(pid, 'SIGKILL');
    expect(await failureOf(writeOn(upload))).toMatchObject({ name: 'StoreError' });
    await upload.abort();
    expect(context.lines.join()).toContain('left behind');
    expect([...context.leftovers]).toMatchObject([{ kind: 'part', key: 'shop/id/data.gpg' }]);
  });

  /** Until it fails. */
  async function writeOn(upload: Upload): Promise<void> {
    for (let written = 0; written < 64; written++) await upload.write(bytesOf(MiB));
  }
});
