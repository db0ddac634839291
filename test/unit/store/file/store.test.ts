import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openFileStore } from '../../../../src/store/file/store.ts';
import type { Store } from '../../../../src/store/store.ts';
import { execute } from '../../../support/servers/execute.ts';
import { notRun } from '../../../support/servers/not-run.ts';
import { type RecordedContext, recordedContext } from '../../../support/store/context.ts';
import { keepsThePromises } from '../../../support/store/contract.ts';
import { bytesOf, failureOf, keysOf, listOf, put } from '../../../support/store/objects.ts';

const MiB = 1024 * 1024;

let root: string;
let context: RecordedContext;
let store: Store;

beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'lifeboat-file-')));
  context = recordedContext();
  store = storeAt(root);
  await store.open();
});

afterEach(() => {
  store.close();
  rmSync(root, { recursive: true, force: true });
});

function storeAt(path: string): Store {
  return openFileStore({ path, url: `file://${path}` }, context);
}

/** Everything below the root, temporary files too. */
function names(): string[] {
  return readdirSync(root, { recursive: true }).map(String).sort();
}

function mode(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

keepsThePromises(() => ({ store, context, names }));

describe('writing', () => {
  test('files are for their owner alone, and so are the folders that it makes', async () => {
    const before = process.umask(0);
    try {
      await put(store, 'shop/id/data.gpg', bytesOf(10));
    } finally {
      process.umask(before);
    }
    expect(mode(join(root, 'shop/id/data.gpg'))).toBe('600');
    expect(mode(join(root, 'shop/id'))).toBe('700');
    expect(mode(join(root, 'shop'))).toBe('700');
  });

  test('T2: until it is committed, an object has another name, which is tracked and not listed', async () => {
    const upload = await store.create('shop/id/data.gpg');
    await upload.write(bytesOf(100));
    const [name = ''] = readdirSync(join(root, 'shop/id'));
    expect(name).toMatch(/^\.data\.gpg\.part-[0-9a-f]{16}$/);
    expect([...context.leftovers]).toEqual([{ kind: 'file', path: join(root, 'shop/id', name) }]);
    expect(mode(join(root, 'shop/id', name))).toBe('600');
    expect(await keysOf(store)).toEqual([]);
    await upload.commit();
    expect(await keysOf(store)).toEqual(['shop/id/data.gpg']);
  });

  test('abort while commit is under way leaves either the whole object or nothing', async () => {
    let committed = 0;
    for (let round = 0; round < 100; round++) {
      const upload = await store.create('shop/id/data.gpg');
      await upload.write(bytesOf(1000));
      const commit = upload.commit().then(
        () => true,
        () => false,
      );
      for (let turn = 0; turn < round % 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      await upload.abort();
      const done = await commit;
      committed += Number(done);
      expect(await keysOf(store)).toEqual(done ? ['shop/id/data.gpg'] : []);
      expect(names().filter((name) => name.includes('.part-'))).toEqual([]);
      await store.remove('shop/id/data.gpg');
    }
    expect(committed).toBeLessThan(100);
  });

  test('two uploads of which one is aborted do not take the folder from each other', async () => {
    for (let round = 0; round < 50; round++) {
      const [a, b] = await Promise.all([store.create('shop/id/a'), store.create('shop/id/b')]);
      const [c] = await Promise.all([store.create('shop/id/c'), a.abort(), b.abort()]);
      await c.commit();
      expect(await keysOf(store)).toEqual(['shop/id/c']);
      await store.remove('shop/id/c');
    }
  });
});

describe('T2: no room', () => {
  /** Stores one small and one large object where there is only room for 1 MiB. */
  async function overfill(
    limit: 'disk' | 'file',
  ): Promise<{ small: string; code: string; message: string; left: string[]; tracked: number }> {
    const program = join(import.meta.dirname, 'overfill.ts');
    const node = [process.execPath, '--no-warnings', program, root];
    if (limit === 'file') {
      return JSON.parse(await execute('sh', ['-c', 'ulimit -f "$0"; exec "$@"', String(fileBlocks(MiB)), ...node]));
    }
    const mount = ['sh', '-c', 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"', root, ...node];
    const [command = '', ...args] = inMountNamespace(...mount);
    return JSON.parse(await execute(command, args));
  }

  /** There a mount ends with the process. */
  function inMountNamespace(...command: string[]): string[] {
    const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    return ['unshare', ...asRoot, '--mount', ...command];
  }

  /** dash counts blocks of 512 bytes, as POSIX says. */
  function fileBlocks(bytes: number): number {
    return bytes / 512;
  }

  const mountable = (() => {
    const [command = '', ...args] = inMountNamespace('mount', '-t', 'tmpfs', 'tmpfs', tmpdir());
    return spawnSync(command, args).status === 0;
  })();
  if (!mountable)
    notRun('T2: a full disk', 'it needs root, or a kernel that lets users mount in a namespace of their own');

  (mountable ? test : test.skip)(
    'a full disk is an error that names the path and the room, and leaves nothing',
    async () => {
      const { small, code, message, left, tracked } = await overfill('disk');
      expect(small).toBe('read-back');
      expect(code).toBe('full');
      expect(message).toContain(join(root, 'shop/id/large'));
      expect(message).toMatch(/ENOSPC.*; \d+ bytes were to be written; \d+ bytes are free\. Free space there/);
      expect(left).toEqual(['small']);
      expect(tracked).toBe(0);
    },
  );

  test('so is the limit for the length of a file', async () => {
    const { small, code, message, left } = await overfill('file');
    expect(small).toBe('read-back');
    expect(code).toBe('full');
    expect(message).toMatch(/EFBIG.*ulimit -f/);
    expect(left).toEqual(['small']);
  });
});

describe('reading', () => {
  test('cancellation ends a read', async () => {
    await put(store, 'a', bytesOf(3 * MiB));
    const stream = await store.read('a');
    const read = async () => {
      for await (const chunk of stream) {
        expect(chunk.length).toBe(MiB);
        context.cancel();
      }
    };
    await expect(read()).rejects.toThrow('cancelled');
  });
});

describe('listing', () => {
  beforeEach(async () => {
    for (const key of ['shop/b/data', 'shop/a/manifest.json', 'shop/a/data', 'shop/a-1', 'shop2/x', 'top'])
      await put(store, key, bytesOf(key.length));
    writeFileSync(join(root, 'shop/.hidden'), '');
    mkdirSync(join(root, '.snapshot'));
    writeFileSync(join(root, '.snapshot/data'), '');
    writeFileSync(join(root, 'shop/a/.data.part-0123456789abcdef'), '');
    symlinkSync('/etc', join(root, 'shop/link'));
  });

  test('objects come in the order of their keys, with size and time', async () => {
    const objects = await listOf(store, '');
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
  });

  test('a prefix is the beginning of a key, not a folder', async () => {
    expect(await keysOf(store, 'shop/')).toEqual(['shop/a-1', 'shop/a/data', 'shop/a/manifest.json', 'shop/b/data']);
    expect(await keysOf(store, 'shop/a/ma')).toEqual(['shop/a/manifest.json']);
    expect(await keysOf(store, 'shop')).toEqual([
      'shop/a-1',
      'shop/a/data',
      'shop/a/manifest.json',
      'shop/b/data',
      'shop2/x',
    ]);
    expect(await keysOf(store, 'none/')).toEqual([]);
    expect(await keysOf(store, 'top/')).toEqual([]);
  });

  test('folders', async () => {
    expect(await store.folders('')).toEqual(['shop', 'shop2']);
    expect(await store.folders('shop/')).toEqual(['a', 'b']);
    expect(await store.folders('none/')).toEqual([]);
  });

  test('remove takes the folders that become empty with it, but not the root', async () => {
    rmSync(join(root, 'shop/a/.data.part-0123456789abcdef'));
    await store.remove('shop/a/data');
    expect(await store.folders('shop/')).toEqual(['a', 'b']);
    await store.remove('shop/a/manifest.json');
    expect(await store.folders('shop/')).toEqual(['b']);
    await store.remove('shop2/x');
    await store.remove('top');
    expect(await store.folders('')).toEqual(['shop']);
    expect(existsSync(root)).toBe(true);
  });
});

test('free space is what this user may use of the disk; an unmounted one has none to tell', async () => {
  const free = async () => Number(await store.freeSpace());
  const { bavail, bsize } = statfsSync(root);
  // Others write to it at the same time.
  expect(Math.abs((await free()) - bavail * bsize)).toBeLessThan(1e9);
  rmSync(root, { recursive: true });
  expect(await failureOf(free())).toMatchObject({ code: 'not-found', message: expect.stringContaining(root) });
});

describe('sweep', () => {
  test('removes files that killed runs were writing, of that prefix, begun before that time, and nothing else', async () => {
    await put(store, 'shop/new/data', bytesOf(1));
    const part = (folder: string, hoursAgo: number) => {
      mkdirSync(join(root, folder), { recursive: true });
      const path = join(root, folder, '.data.part-0123456789abcdef');
      writeFileSync(path, 'x');
      utimesSync(path, new Date(), new Date(Date.now() - hoursAgo * 3_600_000));
    };
    part('shop/killed', 30);
    part('shop/new', 1);
    part('shop2/killed', 30);
    writeFileSync(join(root, 'shop/.data.part-mine'), '');
    utimesSync(join(root, 'shop/.data.part-mine'), 0, 0);

    const dayAgo = new Date(Date.now() - 24 * 3_600_000);
    expect(await store.sweep('shop/', dayAgo)).toEqual(['shop/killed/data']);
    expect(names()).toEqual([
      'shop',
      'shop/.data.part-mine',
      'shop/new',
      'shop/new/.data.part-0123456789abcdef',
      'shop/new/data',
      'shop2',
      'shop2/killed',
      'shop2/killed/.data.part-0123456789abcdef',
    ]);
    expect(await store.sweep('shop/', dayAgo)).toEqual([]);
    expect(await store.sweep('none/', dayAgo)).toEqual([]);
  });
});

describe('open', () => {
  test('makes the folder, and those above it', async () => {
    const path = join(root, 'x/y');
    await storeAt(path).open();
    await put(storeAt(path), 'a', bytesOf(1));
    expect(mode(path)).toBe('700');
    expect(names()).toEqual(['x', 'x/y', 'x/y/a']);
  });

  test('a symbolic link to a folder will do', async () => {
    mkdirSync(join(root, 'real'));
    symlinkSync('real', join(root, 'link'));
    const linked = storeAt(join(root, 'link'));
    await linked.open();
    await put(linked, 'shop/a', bytesOf(1));
    await linked.remove('shop/a');
    expect(names()).toEqual(['link', 'real']);
  });

  test('T7: a relative path', async () => {
    await expect(storeAt('backups').open()).rejects.toThrow('"backups" must be an absolute path');
  });

  test('a path that is a file, or goes through one', async () => {
    writeFileSync(join(root, 'file'), '');
    await expect(storeAt(join(root, 'file')).open()).rejects.toThrow('is a file. Name a folder');
    await expect(storeAt(join(root, 'file/below')).open()).rejects.toThrow('A part of the path is a file');
  });

  test('a file system that cannot be written to', async () => {
    for (const path of ['/proc/lifeboat', '/proc/lifeboat/below', '/sys']) {
      expect(await failureOf(storeAt(path).open())).toMatchObject({ name: 'StoreError' });
    }
  });

  test('a folder of somebody else', async () => {
    chmodSync(root, 0o755);
    const folder = join(root, 'mine');
    mkdirSync(folder, { mode: 0o500 });
    expect(await openAsOther(folder)).toMatchObject({ name: 'StoreError', code: 'denied' });
  });
});

/** Opens a store as a user who is not root: root may write everywhere. */
async function openAsOther(path: string): Promise<Error> {
  if (process.getuid?.() !== 0) return await failureOf(storeAt(path).open());
  process.seteuid?.(65534);
  try {
    return await failureOf(storeAt(path).open());
  } finally {
    process.seteuid?.(0);
  }
}
