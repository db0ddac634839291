import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { REPOSITORY } from '../support/action/action-definition.ts';
import type { ActionInputs } from '../support/action/harness.ts';
import { errorsOf, runBackup } from '../support/action/run-backup.ts';
import { expectProven, runRestoreTest } from '../support/action/run-restore-test.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { sharedPostgres } from '../support/servers/postgres.ts';

/* Stores that earlier commits wrote: test/fixtures/formats/README.md. */
const FORMATS = join(REPOSITORY, 'test', 'fixtures', 'formats');
const FROZEN = readdirSync(FORMATS).filter((name) => statSync(join(FORMATS, name)).isDirectory());
const PASSPHRASE = 'correct-horse-battery';

function copyOf(frozen: string): StoreFolder {
  const store = newStoreFolder();
  cpSync(join(FORMATS, frozen, 'store'), store.path, { recursive: true });
  return store;
}

function keyOf(frozen: string, name: string): string {
  return readFileSync(join(FORMATS, frozen, 'keys', `${name}.asc`), 'utf8');
}

function signedInputs(frozen: string): ActionInputs {
  return {
    name: 'signed',
    'private-key': keyOf(frozen, 'decryption-private'),
    'verification-key': keyOf(frozen, 'signing-public'),
  };
}

function idsIn(store: StoreFolder, set: string): string[] {
  return readdirSync(join(store.path, set)).filter((name) => /^\d{8}T/.test(name));
}

describe.each(FROZEN)('the store of %s', (frozen) => {
  test('proves a backup made with a passphrase, file tree included', async () => {
    const server = await sharedPostgres();
    const inputs = { name: 'passphrase', passphrase: PASSPHRASE, 'scratch-url': server.url('postgres') };
    const result = await runRestoreTest(copyOf(frozen), inputs);
    expectProven(result);
    expect(result.report.verified.join('\n')).toMatch(/uploads/);
  });

  test('proves a signed backup made with a public key', async () => {
    const server = await sharedPostgres();
    const inputs = { ...signedInputs(frozen), 'scratch-url': server.url('postgres') };
    expectProven(await runRestoreTest(copyOf(frozen), inputs));
  });

  test('restores into a server', async () => {
    const server = await sharedPostgres();
    const database = `frozen_${frozen.replaceAll('-', '_')}`;
    const store = copyOf(frozen);
    const result = await runBackup({
      command: 'restore',
      store: store.url,
      'database-url': server.url(database),
      confirm: database,
      ...signedInputs(frozen),
    });
    expect(errorsOf(result)).toEqual([]);
    expect(result).toMatchObject({ exitCode: 0 });
    expect(await server.psql(database, 'select count(*) from orders')).toBe('500');
  });

  test('lists, checks and prunes; the records still prove', async () => {
    const store = copyOf(frozen);
    const common = { store: store.url, name: 'signed', 'verification-key': keyOf(frozen, 'signing-public') };
    const list = await runBackup({ ...common, command: 'list' });
    expect(list.exitCode).toBe(0);
    const check = await runBackup({ ...common, command: 'check', 'max-restore-test-age': '36500d' });
    expect(errorsOf(check)).toEqual([]);
    const before = idsIn(store, 'signed');
    const prune = await runBackup({ ...common, command: 'prune', 'keep-last': '1' });
    expect(prune.exitCode).toBe(0);
    // The newest, the proven one and the held one are all that there is.
    expect(idsIn(store, 'signed')).toEqual(before);
  });
});
