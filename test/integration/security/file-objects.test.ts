import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openFileStore } from '../../../src/store/file/store.ts';
import type { Store } from '../../../src/store/store.ts';
import type { ActionResult } from '../../support/action/harness.ts';
import { notRun } from '../../support/servers/not-run.ts';
import { recordedContext } from '../../support/store/context.ts';
import { bytesOf, failureOf, get, keysOf, put } from '../../support/store/objects.ts';
import {
  COMMANDS,
  expectOrderlyEnd,
  type Genuine,
  genuineBackup,
  inputsOf,
  type Poisoned,
  poison,
  runBackup,
  saidBy,
} from './poisoned-store.ts';

const MiB = 1024 * 1024;
const PEAK = 400 * MiB;

/** What an attacker can put in the place of an object. Each makes something at a path where nothing is. */
const KINDS: Record<string, (path: string) => void | Promise<void>> = {
  'a pipe': (path) => void execFileSync('mkfifo', [path]),
  'a link to /dev/zero': (path) => symlinkSync('/dev/zero', path),
  'a link to another file': (path) => symlinkSync('/etc/passwd', path),
  'a folder': (path) => void mkdirSync(path),
  'a socket': socketAt,
};

/** Its name stays when the server is gone. */
async function socketAt(path: string): Promise<void> {
  // A socket's path has at most 107 bytes.
  const short = join(mkdtempSync(join(tmpdir(), 's-')), 's');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(short, resolve));
  renameSync(short, path);
  await new Promise((resolve) => server.close(resolve));
}

describe('a store that is a folder', () => {
  let root: string;
  let outside: string;
  let store: Store;

  beforeEach(async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'lifeboat-kinds-')));
    [root, outside] = [join(folder, 'store'), join(folder, 'outside')];
    for (const path of [root, outside]) mkdirSync(path);
    store = openFileStore({ path: root, url: `file://${root}` }, recordedContext());
    await store.open();
    await put(store, 'shop/id/good', bytesOf(10));
  });

  afterEach(() => {
    store.close();
    rmSync(join(root, '..'), { recursive: true });
  });

  test.each(Object.keys(KINDS))('%s is no object: it is neither read nor listed', async (kind) => {
    const path = join(root, 'shop/id/manifest.json');
    await KINDS[kind]?.(path);
    const code = kind === 'a folder' ? 'not-found' : 'unusable';
    const range = { start: 0, end: 10 };
    expect(await failureOf(get(store, 'shop/id/manifest.json'))).toMatchObject({ name: 'StoreError', code });
    expect(await failureOf(get(store, 'shop/id/manifest.json', range))).toMatchObject({ name: 'StoreError', code });
    expect(await failureOf(store.size('shop/id/manifest.json'))).toMatchObject({ name: 'StoreError', code });
    expect(await keysOf(store)).toEqual(['shop/id/good']);
  });

  test.each(Object.keys(KINDS).filter((kind) => kind !== 'a folder'))(
    '%s is replaced by an object that is written, and removed like one, without touching what it leads to',
    async (kind) => {
      const path = join(root, 'shop/id/manifest.json');
      await KINDS[kind]?.(path);
      await put(store, 'shop/id/manifest.json', bytesOf(5));
      expect(lstatSync(path).isFile()).toBe(true);
      rmSync(path);
      await KINDS[kind]?.(path);
      await store.remove('shop/id/manifest.json');
      expect(existsSync(path)).toBe(false);
      expect(readFileSync('/etc/passwd', 'utf8')).toContain('root:');
    },
  );

  test('a device is no object', async () => {
    const path = join(root, 'shop/id/manifest.json');
    try {
      execFileSync('mknod', [path, 'c', '1', '5'], { stdio: 'ignore' });
    } catch {
      return notRun('a device in a store', 'it needs the right to make one: run as root');
    }
    expect(await failureOf(get(store, 'shop/id/manifest.json'))).toMatchObject({ code: 'unusable' });
  });

  test('a link in the place of a folder is not followed: not to read, list, write, sweep or remove', async () => {
    mkdirSync(join(outside, 'id'));
    writeFileSync(join(outside, 'id/manifest.json'), "another program's");
    writeFileSync(join(outside, 'id/.data.part-0123456789abcdef'), "another program's");
    symlinkSync(outside, join(root, 'evil'));
    const key = 'evil/id/manifest.json';
    const says = { code: 'failed', message: expect.stringContaining('is a symbolic link') };
    expect(await failureOf(get(store, key))).toMatchObject(says);
    expect(await failureOf(store.size(key))).toMatchObject(says);
    expect(await failureOf(keysOf(store, 'evil/'))).toMatchObject(says);
    expect(await failureOf(store.folders('evil/'))).toMatchObject(says);
    expect(await failureOf(put(store, 'evil/new/manifest.json', bytesOf(1)))).toMatchObject(says);
    expect(await failureOf(store.sweep('evil/', new Date(Date.now() + 1e9)))).toMatchObject(says);
    expect(await failureOf(store.remove(key))).toMatchObject(says);
    expect(readdirSync(outside, { recursive: true }).sort()).toEqual([
      'id',
      'id/.data.part-0123456789abcdef',
      'id/manifest.json',
    ]);
    expect(await keysOf(store)).toEqual(['shop/id/good']);
  });

  test('a folder that becomes a link while an object is written gets nothing', async () => {
    const upload = await store.create('shop/id/data');
    await upload.write(bytesOf(5));
    renameSync(join(root, 'shop/id'), join(outside, 'id'));
    symlinkSync(join(outside, 'id'), join(root, 'shop/id'));
    await expect(upload.commit()).rejects.toThrow('is a symbolic link');
    expect(readdirSync(join(outside, 'id'))).not.toContain('data');
  });

  test('sweep and the time of the newest upload follow no link either', async () => {
    writeFileSync(join(outside, 'file'), 'x');
    symlinkSync(join(outside, 'file'), join(root, 'shop/id/.data.part-0123456789abcdef'));
    expect(await store.sweep('shop/', new Date(Date.now() + 1e9))).toEqual([]);
    expect(await store.newestUpload('shop/')).toBeNull();
    expect(existsSync(join(outside, 'file'))).toBe(true);
  });
});

describe('every command on a store in which an object is something else', () => {
  let genuine: Genuine;
  beforeAll(async () => {
    genuine = await genuineBackup('file_objects');
  });

  async function poisonWith(kind: string, name: string): Promise<Poisoned> {
    const poisoned = poison(genuine);
    const path = join(poisoned.folder, name);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(join(path, '..'), { recursive: true });
    await KINDS[kind]?.(path);
    return poisoned;
  }

  function expectEnded(result: ActionResult): void {
    expectOrderlyEnd(result);
    expect(result.peakRss).toBeLessThan(PEAK);
  }

  describe.each(['a pipe', 'a link to /dev/zero'])('manifest.json is %s', (kind) => {
    test.each([...COMMANDS, 'release'])('%s', async (command) => {
      const poisoned = await poisonWith(kind, 'manifest.json');
      const result = await runBackup(inputsOf(command, genuine, poisoned));
      expectEnded(result);
      if (command === 'restore-test') expect(result.outputs).toMatchObject({ id: poisoned.good, verdict: 'proven' });
      if (['backup', 'restore-test', 'restore'].includes(command)) {
        expect(result.exitCode).toBe(0);
        expect(saidBy(result)).toMatch(/manifest\.json" is not a regular file/);
      }
      expect(readdirSync(join(poisoned.store.path, poisoned.database, poisoned.good))).toContain('manifest.json');
    });
  });

  test.each([
    ['manifest.json.asc', 'check'],
    ['manifest.json.asc', 'prune'],
    ['manifest.json.asc', 'restore-test'],
    ['data.dump.zst.gpg', 'restore-test'],
    ['data.dump.zst.gpg', 'restore'],
    ['restore-tests/20261130T000000Z-0bad0bad-proven.json', 'check'],
    ['restore-tests/20261130T000000Z-0bad0bad-proven.json', 'prune'],
    ['hold.json', 'hold'],
    ['hold.json', 'release'],
  ])('%s is a pipe: %s ends', async (name, command) => {
    const poisoned = await poisonWith('a pipe', name);
    const inputs = { ...inputsOf(command, genuine, poisoned), backup: poisoned.evil };
    const key: Record<string, string> = name.endsWith('.asc') ? { 'verification-key': genuine.signer.publicKey } : {};
    const result = await runBackup({ ...inputs, ...key });
    expectEnded(result);
    if (name.startsWith('data') || (name.endsWith('.asc') && command === 'restore-test')) {
      expect(result.exitCode).toBe(1);
      expect(saidBy(result)).toMatch(/is not a regular file/);
    }
  });

  test('a hold that is a pipe still protects: prune deletes the others', async () => {
    const poisoned = poison(genuine);
    execFileSync('mkfifo', [join(poisoned.store.path, poisoned.database, poisoned.good, 'hold.json')]);
    const result = await runBackup({ ...inputsOf('prune', genuine, poisoned), 'verification-key': '' });
    expectEnded(result);
    expect(readdirSync(join(poisoned.store.path, poisoned.database, poisoned.good))).toContain('manifest.json');
  });

  test('a set that is a link to another folder is refused, and nothing is written there', async () => {
    const poisoned = poison(genuine);
    const set = join(poisoned.store.path, poisoned.database);
    const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'));
    rmSync(set, { recursive: true });
    symlinkSync(elsewhere, set);
    const result = await runBackup(inputsOf('backup', genuine, poisoned));
    expectEnded(result);
    expect(result.exitCode).toBe(1);
    expect(saidBy(result)).toMatch(/is a symbolic link, and links in a store are not followed/);
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});
