import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RestoreReport } from '../../src/commands/restore/report.ts';
import { runAction } from '../support/action/harness.ts';
import { backUpInProcess } from '../support/action/in-process.ts';
import { inventoryOf } from '../support/action/inventory-of.ts';
import { backupInputs, errorsOf, PASSPHRASE } from '../support/action/run-backup.ts';
import { expectProven, runRestoreTest } from '../support/action/run-restore-test.ts';
import { newStoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, sharedPostgres, startPostgres } from '../support/servers/postgres.ts';
import { localPrograms } from '../support/servers/postgres-programs.ts';

/*
 * Before PostgreSQL 18 a server does not say by a sequence's oid which value it has while nextval() has not been called:
 * the inventory has it from pg_dump's archive.
 */
const SETUP = `
set client_encoding = 'UTF8';
create table t (a serial, b int generated always as identity (start 5));
create sequence set_back; select nextval('set_back'); select setval('set_back', 42, false);
create sequence restarted; select nextval('restarted'); alter sequence restarted restart 12;
create sequence down increment -1 start -7; create sequence called; select nextval('called');
create sequence "it's ""odd"", 5, false);
\\" minvalue -9 start -9; create sequence "öl";`;

const VALUES = {
  called: ['1', true],
  down: ['-7', false],
  'it\'s "odd", 5, false);\n\\': ['-9', false],
  restarted: ['12', false],
  set_back: ['42', false],
  t_a_seq: ['1', false],
  t_b_seq: ['5', false],
  öl: ['1', false],
};

const local = localPrograms()?.major ?? 0;

describe.each([
  { major: 13, encoding: 'UTF8' },
  { major: local, encoding: 'UTF8' },
  { major: local, encoding: 'LATIN1' },
])('PostgreSQL $major, database in $encoding', ({ major, encoding }) => {
  let source: PostgresServer;
  const store = newStoreFolder();

  beforeAll(async () => {
    source = major === local ? await sharedPostgres() : await startPostgres({ major });
    await source.createDatabase(encoding, `encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0`);
    await source.psql(encoding, SETUP);
  }, 60_000);

  afterAll(async () => {
    if (major !== local) await source.stop('immediate');
  });

  test('the inventory has the value of every sequence', async () => {
    const { sequences, notRecorded } = await inventoryOf(source, encoding);
    const expected = Object.entries(VALUES).map(([name, [lastValue, isCalled]]) => ({
      name,
      before: { lastValue, isCalled },
      after: { lastValue, isCalled },
    }));
    expect(sequences).toMatchObject(expected);
    expect(notRecorded).toEqual([]);
  });

  test('a restore test proves them', async () => {
    await backUpInProcess(backupInputs(source, encoding, store), {});
    expectProven(await runRestoreTest(store));
  }, 30_000);
});

describe('a backup', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await sharedPostgres();
    await server.createDatabase('values');
    await server.psql('values', SETUP);
  });

  test('is restored for good with the same values, which verifying does not change', async () => {
    const store = newStoreFolder();
    await backUpInProcess(backupInputs(server, 'values', store), {});
    const restored = await runAction({
      ...{ command: 'restore', store: store.url, name: 'values', passphrase: PASSPHRASE },
      ...{ 'database-url': server.url('values'), confirm: 'values' },
    });
    expect(errorsOf(restored)).toEqual([]);
    const { verdict, restoredDatabase } = JSON.parse(
      readFileSync(restored.outputs.report ?? '', 'utf8'),
    ) as RestoreReport;
    expect(verdict).toBe('proven');
    const value = (name: string) => server.psql(restoredDatabase ?? '', `select last_value, is_called from ${name}`);
    expect(await value('set_back')).toBe('42|f');
    expect(await value('called')).toBe('1|t');
  }, 30_000);

  test('is proven on a newer throwaway server', async () => {
    const store = newStoreFolder();
    await backUpInProcess(backupInputs(server, 'values', store), {});
    const scratch = await startPostgres({ major: 18 });
    expectProven(await runRestoreTest(store, { 'scratch-url': scratch.url('postgres') }));
    await scratch.stop('immediate');
  }, 60_000);

  test('is proven when a sequence went on and was set back while the dump ran', async () => {
    const store = newStoreFolder();
    await server.createDatabase('set_back');
    await server.psql('set_back', `create table t (); create sequence s; select nextval('s')`);
    await backUpInProcess(backupInputs(server, 'set_back', store), {
      at: async (step) => {
        if (step === 'export-dump') await server.psql('set_back', "select setval('s', 1000)");
        if (step === 'during-copy') await server.psql('set_back', 'alter sequence s restart');
      },
    });
    expectProven(await runRestoreTest(store));
  }, 30_000);

  test('names the sequences whose values --exclude-table-data left out', async () => {
    const store = newStoreFolder();
    await backUpInProcess(
      { ...backupInputs(server, 'values', store), 'dump-args': '--exclude-table-data=*.called' },
      {},
    );
    const result = await runRestoreTest(store);
    expectProven(result);
    const line = 'Value of sequence "public"."called": the dump does not set it.';
    expect(result.report.notVerified.filter((text) => text.startsWith('Value of'))).toEqual([line]);
  }, 30_000);
});
