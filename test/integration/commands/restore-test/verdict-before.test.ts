import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { verdictBefore } from '../../../../src/commands/restore-test/verdict-before.ts';
import type { Verdict } from '../../../../src/formats/restore-test/record.ts';
import { BackupSet } from '../../../../src/repository/backup-set.ts';
import { openFileStore } from '../../../../src/store/file/store.ts';
import { newStoreFolder, type StoreFolder } from '../../../support/action/stored-backup.ts';
import { makeBackup, makeRecord } from '../../../support/data/made-backup.ts';
import { makeTestKeys } from '../../../support/data/test-keys.ts';
import { recordedContext } from '../../../support/store/context.ts';

const [OLDER, NEWER] = ['20261120T020000Z-0c11d5e8', '20261121T020000Z-7f3a91c2'];
const NOW = new Date('2026-11-23T00:00:00Z');

function before(folder: StoreFolder, verificationKeys: string | null = null): Promise<Verdict | null> {
  const store = openFileStore(folder, recordedContext());
  return verdictBefore(new BackupSet(store, 'shop', { verificationKeys, now: NOW }));
}

function write(folder: StoreFolder, key: string, bytes: Uint8Array | string = '{}'): void {
  const path = join(folder.path, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

/** A backup with restore tests at such times. */
function store(folder: StoreFolder, id: string, tests: [time: string, verdict: Verdict][], set = 'shop'): void {
  const made = makeBackup(id, { set });
  for (const [key, bytes] of made.files) write(folder, key, bytes);
  for (const [time, verdict] of tests) {
    const { key, bytes } = makeRecord(made, verdict, new Date(time));
    write(folder, key, bytes);
  }
}

test('there was none', async () => {
  const folder = newStoreFolder();
  store(folder, NEWER, []);
  store(folder, NEWER, [['2026-11-21T03:00:00Z', 'failed']], 'blog');
  expect(await before(folder)).toBeNull();
});

test('the newest of the set, whichever backup it was of', async () => {
  const folder = newStoreFolder();
  store(folder, OLDER, [
    ['2026-11-20T03:00:00Z', 'failed'],
    ['2026-11-22T03:00:00Z', 'could-not-verify'],
  ]);
  write(folder, `shop/${OLDER}/restore-tests/20261122T030000Z-0a1b2c3d-could-not-verify.json.asc`);
  store(folder, NEWER, [['2026-11-21T03:00:00Z', 'proven']]);
  write(folder, 'shop/notes/restore-tests/20261130T030000Z-00000000-failed.json');
  expect(await before(folder)).toBe('could-not-verify');
});

test('what does not count tells nothing: no record, one from the future, one that is not signed', async () => {
  const folder = newStoreFolder();
  store(folder, NEWER, [
    ['2026-11-21T03:00:00Z', 'failed'],
    ['2026-11-30T03:00:00Z', 'proven'],
  ]);
  write(folder, `shop/${NEWER}/restore-tests/20261122T030000Z-00000000-proven.json`);
  expect(await before(folder)).toBe('failed');
  expect(await before(folder, (await makeTestKeys()).public)).toBeNull();
});
