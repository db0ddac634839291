import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseStores } from '../../../src/store/location.ts';
import type { RcloneLocation } from '../../../src/store/rclone/location.ts';
import { openRcloneStore } from '../../../src/store/rclone/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { runFolder } from '../../support/servers/run.ts';
import { type RecordedContext, recordedContext } from '../../support/store/context.ts';
import { keepsThePromises } from '../../support/store/contract.ts';
import { bytesOf, failureOf, get, keysOf, put } from '../../support/store/objects.ts';

const MiB = 1024 * 1024;
const HOUR = 3_600_000;

let root: string;
let context: RecordedContext;
let store: Store;
let environment: NodeJS.ProcessEnv;

beforeEach(async () => {
  environment = { ...process.env };
  const folder = mkdtempSync(join(runFolder(), 'rclone-'));
  root = join(folder, 'data');
  writeFileSync(join(folder, 'rclone.conf'), `[disk]\ntype = alias\nremote = ${root}\n`);
  process.env.RCLONE_CONFIG = join(folder, 'rclone.conf');
  context = recordedContext();
  store = storeAt('rclone:disk:');
  await store.open();
});

afterEach(() => {
  store.close();
  process.env = environment;
});

function storeAt(url: string): Store {
  return openRcloneStore((parseStores(url) as RcloneLocation[])[0] as RcloneLocation, context);
}

function names(): string[] {
  return readdirSync(root, { recursive: true }).map(String).sort();
}

keepsThePromises(() => ({ store, context, names }));

test('T1: what is being written has the name <key>.part, and is remembered for the post step', async () => {
  const upload = await store.create('shop/id/data.gpg');
  await upload.write(bytesOf(3 * MiB));
  expect([...context.leftovers]).toContainEqual({ kind: 'part', url: 'rclone:disk:', key: 'shop/id/data.gpg' });
  while (!existsSync(join(root, 'shop/id/data.gpg.part'))) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(existsSync(join(root, 'shop/id/data.gpg'))).toBe(false);
  await upload.abort();
  expect(names()).toEqual([]);
});

test('nothing is written over', async () => {
  await put(store, 'shop/id/data.gpg', bytesOf(10));
  const error = await failureOf(put(store, 'shop/id/data.gpg', bytesOf(20)));
  expect(error).toMatchObject({ name: 'StoreError', message: expect.stringContaining('nothing is overwritten') });
  expect(await get(store, 'shop/id/data.gpg')).toEqual(bytesOf(10));
  expect(names()).toEqual(['shop', 'shop/id', 'shop/id/data.gpg']);
});

test('what killed runs left is found, and swept when it is old', async () => {
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
  expect(await store.sweep('shop/', new Date(Date.now() - 24 * HOUR))).toEqual(['shop/killed/data']);
  expect(names().filter((name) => name.endsWith('.part'))).toEqual(['shop/new/other.part', 'shop2/killed/data.part']);
  expect(existsSync(join(root, 'shop/killed'))).toBe(false);
});

test("free space is the remote's", async () => {
  expect(await store.freeSpace()).toBeGreaterThan(MiB);
});

test('to read, the folder must be there; to write, it is made', async () => {
  const deeper = storeAt('rclone:disk:not/there');
  expect(await failureOf(deeper.openToRead())).toMatchObject({ code: 'not-found' });
  await deeper.open();
  await deeper.openToRead();
  await put(deeper, 'shop/a', bytesOf(5));
  expect(await keysOf(deeper)).toEqual(['shop/a']);
  expect(names()).toEqual(['not', 'not/there', 'not/there/shop', 'not/there/shop/a']);
});

describe('what goes wrong', () => {
  test('a remote that is not in the configuration', async () => {
    const error = await failureOf(storeAt('rclone:other:x').open());
    expect(error).toMatchObject({ name: 'StoreError', code: 'failed' });
    expect(error.message).toMatch(/^rclone:other:x: rclone lsjson failed: .*section.*Try the same remote by hand/s);
  });

  test('no rclone', async () => {
    process.env.PATH = '/nowhere';
    expect((await failureOf(store.openToRead())).message).toMatch(/rclone could not be started.*Install it/);
  });

  test('an rclone that ends in the middle fails the upload with its own words, and nothing of it stays', async () => {
    const upload = await store.create('shop/id/data.gpg');
    await upload.write(bytesOf(MiB));
    const [child] = [...context.leftovers].filter((leftover) => leftover.kind === 'process');
    process.kill(child?.pid as number, 'SIGKILL');
    const writeOn = async () => {
      for (;;) await upload.write(bytesOf(MiB));
    };
    expect((await failureOf(writeOn())).message).toMatch(/rclone rcat failed: rclone was ended by SIGKILL/);
    await upload.abort();
    expect(names()).toEqual([]);
  });

  test('rclone is not told what is not its business', async () => {
    process.env['INPUT_SSH-KEY'] = 'a secret of ours';
    process.env.PGPASSWORD = 'another';
    const upload = await store.create('shop/id/data.gpg');
    const [child] = [...context.leftovers].filter((leftover) => leftover.kind === 'process');
    const seen = readFileSync(`/proc/${child?.pid}/environ`, 'utf8');
    expect(seen).toContain('RCLONE_CONFIG=');
    expect(seen).not.toMatch(/a secret of ours|PGPASSWORD/);
    await upload.abort();
  });
});
