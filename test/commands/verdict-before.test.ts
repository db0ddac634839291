import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { ChosenBackup } from '../../src/commands/choose-backup.ts';
import { verdictBefore } from '../../src/commands/verdict-before.ts';
import { openFileStore } from '../../src/store/file.ts';
import { newStoreFolder, type StoreFolder } from '../e2e/stored-backup.ts';
import { recordedContext } from '../store/context.ts';

const [OLDER, NEWER] = ['20261120T020000Z-0c11d5e8', '20261121T020000Z-7f3a91c2'];

function before(folder: StoreFolder): Promise<string | null> {
  return verdictBefore({ store: openFileStore(folder, recordedContext()), set: 'shop' } as ChosenBackup);
}

function write(folder: StoreFolder, key: string): void {
  const path = join(folder.path, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '{}');
}

test('there was none', async () => {
  const folder = newStoreFolder();
  write(folder, `shop/${NEWER}/manifest.json`);
  write(folder, `blog/${NEWER}/restore-tests/20261121T030000Z-00000000-failed.json`);
  expect(await before(folder)).toBeNull();
});

test('the newest of the set, whichever backup it was of', async () => {
  const folder = newStoreFolder();
  write(folder, `shop/${OLDER}/restore-tests/20261120T030000Z-00000000-failed.json`);
  write(folder, `shop/${OLDER}/restore-tests/20261122T030000Z-00000000-could-not-verify.json`);
  write(folder, `shop/${OLDER}/restore-tests/20261122T030000Z-00000000-could-not-verify.json.asc`);
  write(folder, `shop/${NEWER}/restore-tests/20261121T030000Z-00000000-proven.json`);
  write(folder, 'shop/notes/restore-tests/20261130T030000Z-00000000-failed.json');
  expect(await before(folder)).toBe('could-not-verify');
});
