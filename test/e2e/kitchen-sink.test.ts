import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { type ActionInputs, type ActionResult, runAction } from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { createKitchenSink } from '../support/postgres/inventory.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { runFolder } from '../support/servers/run.ts';

/* One of every kind of object that pg_dump knows, and names that nobody expects. */
const DATABASE = 'kitchen_sink_round_trip';

let server: PostgresServer;
let store: StoreFolder;

beforeAll(async () => {
  server = await sharedPostgres();
  await createKitchenSink(server, DATABASE);
  store = newStoreFolder();
  const backup = await runBackup({ ...backupInputs(server, DATABASE, store), fingerprint: 'content' });
  expect(backup.exitCode).toBe(0);
});

function restoreTest(inputs: ActionInputs = {}): Promise<ActionResult> {
  return runAction({ command: 'restore-test', store: store.url, passphrase: PASSPHRASE, ...inputs });
}

test.each(['1', '3'])('with %s jobs it is proven, and nothing is said but what is known', async (jobs) => {
  const result = await restoreTest({ jobs });
  expect(result.log).not.toMatch(/^- /m);
  expect(errorsOf(result)).toEqual([]);
  expect(result.outputs.verdict).toBe('proven');
});

test('assertions: those that hold are verified, those that do not are named', async () => {
  const assertions = `
- name: rows are there
  sql: select count(*) from sink.plain
  expect: {at-least: 50}
- name: a lie
  sql: select count(*) from sink.plain;
  expect: {equals: 51}
- name: it writes
  sql: select nextval('sink.plain_id_seq')
  expect: not-empty`;
  const result = await restoreTest({ assertions });
  expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'failed' } });
  expect(result.log).toMatch(/^- assertion a lie: "51" was expected, the answer is 50\.$/m);
  expect(result.log).toMatch(/^- assertion it writes: Its query failed: .*read-only transaction/m);
  expect(result.log).not.toContain('rows are there');
});

test('kept for later steps: masked before it is handed out, and there until somebody drops it', async () => {
  const mask = join(mkdtempSync(join(runFolder(), 'mask-')), 'mask.sql');
  writeFileSync(mask, "update sink.plain set name = 'masked';");
  const result = await restoreTest({
    'scratch-url': server.url('postgres'),
    'keep-database': 'true',
    'after-restore': mask,
  });
  expect(errorsOf(result)).toEqual([]);
  const { 'restored-url': url = '', verdict, report = '' } = result.outputs;
  expect(verdict).toBe('proven');
  const database = decodeURIComponent(new URL(url).pathname.slice(1));
  expect(await server.psql(database, 'select distinct name from sink.plain')).toBe('masked');
  await server.dropDatabase(database);
  expect(readFileSync(report, 'utf8')).not.toContain(server.password);
});

test('a script that fails hands out nothing, and leaves nothing', async () => {
  const mask = join(mkdtempSync(join(runFolder(), 'mask-')), 'mask.sql');
  writeFileSync(mask, 'update sink.nowhere set name = null;');
  const databases = () => server.psql('postgres', `select datname from pg_database where datname ~ '${DATABASE}'`);
  const before = await databases();
  const result = await restoreTest({
    'scratch-url': server.url('postgres'),
    'keep-database': 'true',
    'after-restore': mask,
  });
  expect(errorsOf(result)).toEqual([
    expect.objectContaining({ message: expect.stringMatching(/after-restore: .*mask\.sql" failed.*sink\.nowhere/) }),
  ]);
  expect(result.outputs['restored-url']).toBeUndefined();
  expect(await databases()).toBe(before);
});
