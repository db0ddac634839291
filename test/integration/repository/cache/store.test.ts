import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ManifestPart, Volume } from '../../../../src/formats/manifest.ts';
import { CachingStore, FolderBeforeStore, goodVolumes } from '../../../../src/repository/cache/store.ts';
import { DamagedPart, readPart } from '../../../../src/repository/part-reader.ts';
import { RangeDigests } from '../../../../src/store/fan-out/range-digests.ts';
import { openFileStore } from '../../../../src/store/file/store.ts';
import type { PartStore, Store } from '../../../../src/store/store.ts';
import { runFolder } from '../../../support/servers/run.ts';
import { type RecordedContext, recordedContext } from '../../../support/store/context.ts';
import { bytesOf, failureOf, put } from '../../../support/store/objects.ts';

const MiB = 1024 * 1024;
const PREFIX = 'shop/20261121T020000Z-7f3a91c2/';
const FIRST = 'data.dump.zst.gpg';
const SECOND = `${FIRST}.0001`;

/** Ranges are of 8 MiB: the first volume has three of them. */
const whole = bytesOf(20 * MiB + 12);
const contents = new Map([
  [FIRST, whole.subarray(0, 18 * MiB)],
  [SECOND, whole.subarray(18 * MiB)],
]);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const volumes: Volume[] = [...contents].map(([key, bytes]) => ({
  key,
  size: bytes.length,
  sha256: sha256(bytes),
  sums: null,
}));
const part: ManifestPart = { name: 'data', plain: 1, volumes };
const SUMS = [...contents.values()].map((bytes) => {
  const digests = new RangeDigests();
  digests.update(bytes);
  return digests.finish();
});

let folder: string;
let context: RecordedContext;

beforeEach(() => {
  folder = newFolder();
  context = recordedContext();
});

function newFolder(): string {
  return mkdtempSync(join(runFolder(), 'cached-'));
}

async function storeWith(keys: string[]): Promise<Store> {
  const root = newFolder();
  const store = openFileStore({ path: root, url: `file://${root}` }, context);
  for (const key of keys) await put(store, PREFIX + key, contents.get(key) as Buffer);
  return store;
}

function fill(keys = [FIRST, SECOND]): void {
  for (const key of keys) writeFileSync(join(folder, key), contents.get(key) as Buffer);
}

async function read(store: PartStore): Promise<string> {
  const hash = createHash('sha256');
  const source = { store, folder: PREFIX, part, signal: context.signal, info: context.info };
  for await (const chunk of readPart(source, SUMS)) hash.update(chunk);
  return hash.digest('hex');
}

describe('what a folder has of a backup', () => {
  const second = (change: (path: string) => void) => () => change(join(folder, SECOND));

  test.each<[title: string, change: () => void]>([
    ['missing', second(rmSync)],
    ['longer', second((path) => writeFileSync(path, 'x', { flag: 'a' }))],
    ['empty', second((path) => writeFileSync(path, ''))],
    ['of other bytes', second((path) => writeFileSync(path, Buffer.alloc(2 * MiB + 12)))],
    ['a pipe, which nobody writes to', second((path) => replace(path, () => execFileSync('mkfifo', [path])))],
    ['a folder', second((path) => replace(path, () => execFileSync('mkdir', [path])))],
    ['a link to what it should be', second((path) => replace(path, () => linkToRight(path)))],
  ])('a volume that is %s does not count', async (_, change) => {
    fill();
    expect(await goodVolumes(folder, volumes)).toEqual(volumes);
    change();
    expect(await goodVolumes(folder, volumes)).toEqual(volumes.slice(0, 1));
  });

  function replace(path: string, make: () => void): void {
    rmSync(path);
    make();
  }

  function linkToRight(path: string): void {
    const elsewhere = join(newFolder(), SECOND);
    writeFileSync(elsewhere, contents.get(SECOND) as Buffer);
    symlinkSync(elsewhere, path);
  }
});

describe('a folder before the store', () => {
  test('all of it comes from the folder, some of it, or none', async () => {
    for (const inFolder of [[FIRST, SECOND], [SECOND], []]) {
      folder = newFolder();
      fill(inFolder);
      const store = await storeWith([FIRST, SECOND].filter((key) => !inFolder.includes(key)));
      const good = await goodVolumes(folder, volumes);
      expect(await read(new FolderBeforeStore(store, PREFIX, folder, good))).toBe(sha256(whole));
    }
    expect(context.lines).toEqual([]);
  });

  test('a file that cannot be read any more: the store is read instead, and the log says so', async () => {
    fill();
    const store = await storeWith([FIRST, SECOND]);
    const before = new FolderBeforeStore(store, PREFIX, folder, volumes);
    rmSync(join(folder, SECOND));
    expect(await read(before)).toBe(sha256(whole));
    expect(context.lines).toEqual([
      expect.stringMatching(/is read again: its copy in the cache cannot be read.*ENOENT/),
    ]);
  });

  test('bytes that change after they were looked at do not pass: the reader looks too', async () => {
    fill();
    const before = new FolderBeforeStore(await storeWith([]), PREFIX, folder, volumes);
    const bytes = readFileSync(join(folder, FIRST));
    bytes.writeUInt8(bytes.readUInt8(9) ^ 1, 9);
    writeFileSync(join(folder, FIRST), bytes);
    expect(await failureOf(read(before))).toBeInstanceOf(DamagedPart);
  });
});

describe('a store that is kept', () => {
  test('what is read is in the folder afterwards, for this user alone', async () => {
    const keeping = new CachingStore(await storeWith([FIRST, SECOND]), PREFIX, folder, volumes);
    expect(await read(keeping)).toBe(sha256(whole));
    await keeping.finish();
    expect(await goodVolumes(folder, volumes)).toEqual(volumes);
    expect(execFileSync('stat', ['--format=%a', join(folder, FIRST)], { encoding: 'utf8' })).toBe('600\n');
  });

  test('an object that is none of the volumes is read and not kept', async () => {
    const store = await storeWith([FIRST, SECOND]);
    await put(store, `${PREFIX}data.sums`, Buffer.alloc(32));
    const keeping = new CachingStore(store, PREFIX, folder, volumes);
    expect(await buffer(await keeping.read(`${PREFIX}data.sums`, { start: 0, end: 32 }))).toEqual(Buffer.alloc(32));
    await keeping.finish();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('half read: what is in the folder is not taken for the whole', async () => {
    const keeping = new CachingStore(await storeWith([FIRST, SECOND]), PREFIX, folder, volumes);
    const source = { store: keeping, folder: PREFIX, part, signal: context.signal, info: context.info };
    for await (const _ of readPart(source, SUMS)) break;
    await keeping.finish();
    expect((await goodVolumes(folder, volumes)).length).toBeLessThan(volumes.length);
  });

  test('it cannot be written: the reader has everything, the room is given back, and the end tells why', async () => {
    const keeping = new CachingStore(await storeWith([FIRST, SECOND]), PREFIX, folder, volumes);
    symlinkSync('/dev/full', join(folder, SECOND)); // The first volume is written, the second finds no space.
    expect(await read(keeping)).toBe(sha256(whole));
    await expect(keeping.finish()).rejects.toThrow(/ENOSPC/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('its folder is gone: the reader has everything, and the end tells why', async () => {
    const keeping = new CachingStore(await storeWith([FIRST, SECOND]), PREFIX, folder, volumes);
    rmSync(folder, { recursive: true });
    expect(await read(keeping)).toBe(sha256(whole));
    await expect(keeping.finish()).rejects.toThrow(/ENOENT/);
  });
});
