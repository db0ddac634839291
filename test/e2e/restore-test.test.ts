import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readRecord } from '../../src/formats/restore-test/record.ts';
import { REPOSITORY } from '../support/action/action-definition.ts';
import { gpg, newGnupgHome, type Person, people } from '../support/action/gnupg.ts';
import type { ActionInputs, ActionResult } from '../support/action/harness.ts';
import { backupInputs, errorsOf, runBackup } from '../support/action/run-backup.ts';
import { expectFailed, expectProven, runRestoreTest, type TestedBackup } from '../support/action/run-restore-test.ts';
import { createSampleDatabase, ODD_NAMES, SAMPLE_ROWS } from '../support/action/sample-database.ts';
import { filesBelow, newStoreFolder, readBackup, type StoreFolder } from '../support/action/stored-backup.ts';
import { shapeOf } from '../support/action/summary-shape.ts';
import { type PostgresServer, quoteIdentifier, sharedPostgres, startPostgres } from '../support/servers/postgres.ts';

const DATABASE = 'restore_test';
const PICTURED = join(REPOSITORY, 'docs', 'images', 'job-summary.md');

let server: PostgresServer;

beforeAll(async () => {
  server = await sharedPostgres();
  await createSampleDatabase(server, DATABASE);
});

async function backUp(store: StoreFolder, inputs: ActionInputs = {}, database = DATABASE): Promise<string> {
  const result = await runBackup({ ...backupInputs(server, database, store), ...inputs });
  expect(errorsOf(result)).toEqual([]);
  return result.outputs.id ?? '';
}

/** The backup's records by their paths below the store, oldest first. */
function recordsIn(store: StoreFolder): string[] {
  return filesBelow(store.path).filter((file) => /restore-tests\/[^/]*\.json$/.test(file));
}

describe('with a passphrase', () => {
  let store: StoreFolder;
  let id: string;
  let result: TestedBackup;

  beforeAll(async () => {
    store = newStoreFolder();
    id = await backUp(store, { fingerprint: 'content' });
    result = await runRestoreTest(store, { 'max-age': '1h', 'max-restore-time': '5m' });
  });

  test('a healthy backup is proven', () => {
    expectProven(result);
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'proven', id } });
    const rows = Object.values(SAMPLE_ROWS).reduce((sum, count) => sum + count, 0);
    expect(result.outputs).toMatchObject({ rows: `${rows}`, tables: `${Object.keys(SAMPLE_ROWS).length + 1}` });
    expect(Number(result.outputs['restore-time'])).toBeLessThan(60);
    expect(result.summary).toMatch(/^## ✅ Proven: /);
  });

  test('every table is compared, rows and content', () => {
    const { tables, verified, notVerified } = result.report;
    for (const [name, rows] of Object.entries(SAMPLE_ROWS)) {
      const found = tables.find((table) => `${table.schema}.${table.name}` === name);
      expect(found).toMatchObject({ expected: `${rows}`, restored: `${rows}`, equal: true });
    }
    expect(verified).toContain(`${tables.length} tables: the content of every row`);
    expect(notVerified).toEqual([
      'Rows of materialized view public.totals: a restore computes them anew.',
      'Passwords of roles: they are in no backup.',
    ]);
  });

  test('its record lies beside it, and speaks of this manifest', () => {
    const { folder, manifestSha256 } = readBackup(store, DATABASE, id);
    const [file = '', ...others] = recordsIn(store);
    expect(others).toEqual([]);
    expect(file).toMatch(/\/restore-tests\/\d{8}T\d{6}Z-[0-9a-f]{8}-proven\.json$/);
    const record = readRecord(readFileSync(join(store.path, file)));
    expect(record).toMatchObject({ format: 1, id, name: DATABASE, manifestSha256, verdict: 'proven', findings: [] });
    expect(record.signatureVerified).toBe(false);
    expect(record.stages.map(({ name }) => name)).toContain('restore');
    expect(file.startsWith(folder.slice(store.path.length + 1))).toBe(true);
  });

  test('odd names inject nothing', () => {
    expectNothingInjected(result);
    expect(result.report.tables.map(({ name }) => name)).toEqual(expect.arrayContaining(ODD_NAMES));
  });

  test('nothing of the throwaway cluster is left', () => {
    expect(filesBelow(result.runnerTemp)).toEqual([`lifeboat-restore-test-${id}.json`]);
  });

  test('older and slower than was promised: red, both are named, and the record does not say proven', async () => {
    const late = await runRestoreTest(store, { 'max-age': '0s', 'max-restore-time': '0s' });
    expect(late).toMatchObject({ exitCode: 1, outputs: { verdict: 'proven' } });
    expect(errorsOf(late)).toEqual([
      expect.objectContaining({
        title: 'Lifeboat: objective missed',
        message: expect.stringMatching(/is proven: .* max-age: .* old.* max-restore-time: the restore took/),
      }),
    ]);
    expect(late.report.findings).toEqual([]);
    // The backup is as good as before.
    expect(recordsIn(store).at(-1)).toMatch(/-proven\.json$/);
  });
});

describe('with keys', () => {
  let alice: Person;
  let signer: Person;

  beforeAll(async () => {
    ({ alice, signer } = await people());
  });

  test('signed: proven, and gpg accepts the signature of the record', async () => {
    const store = newStoreFolder();
    const signing = { 'signing-key': signer.secretKey };
    const id = await backUp(store, { passphrase: '', 'public-key': alice.publicKey, ...signing });
    const keys = { 'private-key': alice.secretKey, 'verification-key': signer.publicKey };
    const result = await runRestoreTest(store, { ...keys, ...signing });
    expectProven(result);
    expect(result.report).toMatchObject({ id, signed: true, signatureVerified: true });
    expect(result.report.verified).toContainEqual(expect.stringContaining('signature of the manifest'));
    expect(result.report.notVerified).not.toContainEqual(expect.stringContaining('Who made the backup'));
    // The README's picture is of a run like this one; `npm run picture` makes it anew.
    expect(shapeOf(readFileSync(PICTURED, 'utf8'))).toEqual(shapeOf(result.summary));

    const [file = ''] = recordsIn(store);
    const record = join(store.path, file);
    const home = newGnupgHome();
    await gpg(home, ['--import'], signer.publicKey);
    await gpg(home, ['--verify', `${record}.asc`, record]);
    writeFileSync(record, readFileSync(record, 'utf8').replace('"proven"', '"failed"'));
    await expect(gpg(home, ['--verify', `${record}.asc`, record])).rejects.toThrow(/BAD signature/);
  });

  test('not signed: proven, and who made it is listed as not verified', async () => {
    const store = newStoreFolder();
    await backUp(store, { passphrase: '', 'public-key': alice.publicKey });
    const result = await runRestoreTest(store, { 'private-key': alice.secretKey });
    expectProven(result);
    expect(result.report).toMatchObject({ signed: false, signatureVerified: false });
    expect(result.report.notVerified).toContainEqual(expect.stringContaining('Who made the backup'));
    expect(result.summary).toMatch(/### Not verified[^#]*Who made the backup/);
    expect(recordsIn(store)).toHaveLength(1);
    expect(filesBelow(store.path).filter((file) => file.endsWith('.asc'))).toEqual([]);
  });
});

describe('which backup', () => {
  let store: StoreFolder;
  let first: string;
  let second: string;

  beforeAll(async () => {
    store = newStoreFolder();
    await server.createDatabase('chosen');
    await server.psql('chosen', 'create table t as select 1 as n');
    first = await backUp(store, {}, 'chosen');
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // Ids sort by the second.
    second = await backUp(store, {}, 'chosen');
  });

  const tested = async (backup: string) => {
    const result = await runRestoreTest(store, { backup, 'scratch-url': server.url('postgres') });
    expectProven(result);
    return result.outputs.id;
  };

  test('none that is proven is there: red, and it says so', async () => {
    await expect(tested('latest-proven')).rejects.toThrow(/no backup that a restore test has proven/);
  });

  test('by its id; from then on it is the latest that is proven', async () => {
    expect(await tested(first)).toBe(first);
    expect(await tested('latest-proven')).toBe(first);
  });

  test('the latest', async () => {
    expect(await tested('latest')).toBe(second);
    expect(await tested('latest-proven')).toBe(second);
  });

  test('one that is not there: red, and it says so', async () => {
    await expect(tested('20200101T000000Z-00000000')).rejects.toThrow(/no complete backup 20200101T000000Z-00000000/);
  });

  test('whose last restore test failed is not proven any more', async () => {
    const assertions = '- {name: a lie, sql: select 1, expect: {equals: 2}}';
    expectFailed(await runRestoreTest(store, { assertions, 'scratch-url': server.url('postgres') }));
    expect(await tested('latest-proven')).toBe(first);
  });
});

describe('two stores', () => {
  let one: StoreFolder;
  let two: StoreFolder;
  let id: string;

  beforeAll(async () => {
    await server.createDatabase('stored_twice');
    await server.psql('stored_twice', 'create table t as select n from generate_series(1, 100) n');
  });

  beforeEach(async () => {
    [one, two] = [newStoreFolder(), newStoreFolder()];
    id = await backUp(one, { store: `${one.url}\n${two.url}` }, 'stored_twice');
  });

  const both = () => runRestoreTest(one, { store: `${one.url}\n${two.url}`, 'scratch-url': server.url('postgres') });

  test('the first is read, and gets the record; the second was not read, and gets none', async () => {
    const result = await both();
    expectProven(result);
    expect(result.report.store).toBe(one.url);
    expect([recordsIn(one).length, recordsIn(two)]).toEqual([1, []]);
    const record = readRecord(readFileSync(join(one.path, recordsIn(one)[0] ?? '')));
    expect(record.manifestSha256).toBe(readBackup(one, 'stored_twice', id).manifestSha256);
    expect(result.report.notVerified).toContainEqual(expect.stringContaining(`The copies in ${two.url}: only`));
  });

  test('the first does not have it: the second is read, and the first gets no record', async () => {
    rmSync(join(one.path, 'stored_twice'), { recursive: true });
    const result = await both();
    expectProven(result);
    expect(result.report.store).toBe(two.url);
    expect([recordsIn(one), recordsIn(two).length]).toEqual([[], 1]);
  });

  test('the first is gone: the second is read, and a warning says it', async () => {
    rmSync(one.path, { recursive: true });
    writeFileSync(one.path, 'a file where the folder was');
    const result = await both();
    expectProven(result);
    expect(result.report.store).toBe(two.url);
    expect(result.annotations).toContainEqual(
      expect.objectContaining({ kind: 'warning', message: expect.stringContaining(one.url) }),
    );
  });
});

describe('scratch-url: a server that goes on living', () => {
  const SOURCE = 'from_elsewhere';
  const ROLES = ['scratch_owner', 'scratch_reader'];
  let source: PostgresServer;
  let store: StoreFolder;

  beforeAll(async () => {
    // The source has a server of its own, so that its roles are not there already.
    source = await startPostgres();
    await source.createDatabase(SOURCE);
    await source.psql(
      SOURCE,
      `create role scratch_owner; create role scratch_reader in role scratch_owner; create role scratch_known superuser;
      create table t (n int); alter table t owner to scratch_owner;
      grant select on t to scratch_reader, scratch_known; insert into t select generate_series(1, 10);
      alter role scratch_reader in database ${SOURCE} set work_mem = '8MB'`,
    );
    store = newStoreFolder();
    await backUp(store, { 'database-url': source.url(SOURCE) });
    await source.stop();
    await server.psql('postgres', 'create role scratch_known nologin');
  });

  const databases = () => server.psql('postgres', "select datname from pg_database where datname ~ 'from_elsewhere'");
  const roles = () => server.psql('postgres', `select rolname from pg_roles where rolname = any('{${ROLES}}')`);

  test('proven, and databases and roles are gone', async () => {
    const result = await runRestoreTest(store, { 'scratch-url': server.url('postgres') });
    expectProven(result);
    expect(result.report.verified).toContainEqual(expect.stringMatching(/^\d+ roles: /));
    expect([await databases(), await roles()]).toEqual(['', '']);
  });

  test('a role that the server had is left as it is, and not verified', async () => {
    const result = await runRestoreTest(store, { 'scratch-url': server.url('postgres') });
    expect(result.report.notVerified).toContainEqual(expect.stringMatching(/^Role scratch_known: /));
    const known = "select rolsuper from pg_roles where rolname = 'scratch_known'";
    expect(await server.psql('postgres', known)).toBe('f');
  });

  test('a backup that is damaged leaves nothing either', async () => {
    const copy = newStoreFolder();
    cpSync(store.path, copy.path, { recursive: true });
    const data = join(copy.path, filesBelow(copy.path).find((file) => file.endsWith('data.dump.zst.gpg')) ?? '');
    const bytes = readFileSync(data);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(data, bytes);
    expectFailed(await runRestoreTest(copy, { 'scratch-url': server.url('postgres') }));
    expect([await databases(), await roles()]).toEqual(['', '']);
  });

  test('a role that is not a superuser is refused', async () => {
    await server.psql('postgres', "create role scratch_weak login createdb password 'weak-password'");
    const url = server.url('postgres').replace(/\/\/.*@/, '//scratch_weak:weak-password@');
    await expect(runRestoreTest(store, { 'scratch-url': url })).rejects.toThrow(/the role is not a superuser/);
  });
});

test('an archive longer than pipes are: proven, and nothing is said but the result', async () => {
  const store = newStoreFolder();
  await server.createDatabase('longer');
  await server.psql(
    'longer',
    "create table t as select string_agg(md5((n * 1000 + m)::text), '') from generate_series(1, 1000) n, generate_series(1, 500) m group by n",
  );
  await backUp(store, {}, 'longer');
  const result = await runRestoreTest(store, { 'scratch-url': server.url('postgres') });
  expectProven(result);
  expect(result.stderr).toBe('');
});

describe('R3: a scratch server that lacks an extension', () => {
  // adminpack ended with PostgreSQL 16.
  const SOURCE = 'with_adminpack';
  let scratch: PostgresServer;
  let store: StoreFolder;

  beforeAll(async () => {
    scratch = await startPostgres({ major: 17 });
    await server.createDatabase(SOURCE);
    await server.psql(
      SOURCE,
      `create extension adminpack;
      create table reports (id int, stored bigint default pg_file_write('report', 'text', false));
      insert into reports values (1, 2);
      create table plain as select n from generate_series(1, 10) n`,
    );
    store = newStoreFolder();
    await backUp(store, {}, SOURCE);
  });

  test('could not verify: red, the extension is named first, and it does not count as proven', async () => {
    const result = await runRestoreTest(store, { 'scratch-url': scratch.url('postgres') });
    expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'could-not-verify' } });
    expect(errorsOf(result)).toEqual([
      { kind: 'error', title: 'Lifeboat: could not verify', message: expect.stringContaining('adminpack') },
    ]);
    expect(result.report.findings[0]).toMatchObject({ kind: 'extension', object: 'adminpack' });
    expect(result.report.findings.map(({ object }) => object)).toContain('public.reports');
    expect(result.report.findings.filter(({ severity }) => severity === 'failed')).toEqual([]);
    expect(result.report.tables).toContainEqual(expect.objectContaining({ name: 'plain', equal: true }));
    expect(recordsIn(store).at(-1)).toMatch(/-could-not-verify\.json$/);
    await expect(runRestoreTest(store, { backup: 'latest-proven' })).rejects.toThrow(/no backup that a restore test/);
  });

  test('with on-could-not-verify: warn it is a warning, and not proven all the same', async () => {
    const inputs = { 'scratch-url': scratch.url('postgres'), 'on-could-not-verify': 'warn' };
    const result = await runRestoreTest(store, inputs);
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'could-not-verify' } });
    expect(errorsOf(result)).toEqual([]);
    expect(result.annotations).toContainEqual({
      kind: 'warning',
      title: 'Lifeboat: could not verify',
      message: expect.stringContaining('adminpack'),
    });
  });
});

describe('R4: a database that its own dump does not restore', () => {
  const MARKER = 'a row that nobody may see';
  const SOURCE = 'cannot_restore';
  const names = ['prices', '::error::injected', 'two\n::error::lines', '##[error]the old form'];
  let result: TestedBackup;

  beforeAll(async () => {
    await server.createDatabase(SOURCE);
    // pg_restore sets an empty search_path, so the function finds no table: COPY fails, and the table stays empty.
    const tables = names.map(quoteIdentifier).map(
      (table) => `create table ${table} (price int check (allowed(price)), what text);
        insert into ${table} values (1, '${MARKER}'), (2, '${MARKER}');`,
    );
    await server.psql(
      SOURCE,
      `create table limits as select 100 as most; create table healthy as select n from generate_series(1, 5) n;
      create function allowed(int) returns boolean language plpgsql as 'begin return $1 <= (select most from limits); end';
      ${tables.join('\n')}`,
    );
    const store = newStoreFolder();
    await backUp(store, {}, SOURCE);
    result = await runRestoreTest(store, { 'scratch-url': server.url('postgres') });
  });

  test('failed: each table is named, with the reason and what to do', () => {
    expectFailed(result);
    const failed = result.report.findings.filter(({ kind }) => kind === 'table');
    expect(failed.map(({ message }) => message)).toEqual(names.map(() => '2 rows were dumped, 0 were restored.'));
    const said = result.report.findings.filter(({ kind }) => kind === 'table data');
    expect(said).toHaveLength(names.length);
    const reason =
      /cannot be restored from its own dump: .*relation "limits" does not exist.*Correct this in the source/;
    expect(said.find(({ object }) => object === 'public.prices')?.message).toMatch(reason);
    expect(result.report.tables).toContainEqual(expect.objectContaining({ name: 'healthy', equal: true }));
  });

  test('no row is shown, in the log, the summary, the annotations or the report', () => {
    const shown = [result.stdout, result.stderr, result.summary, JSON.stringify(result.report)].join('\n');
    expect(shown).not.toContain(MARKER);
  });

  test('odd names inject nothing', () => expectNothingInjected(result));
});

function expectNothingInjected({ annotations, commands, log, summary }: ActionResult): void {
  expect(annotations.filter(({ title }) => !title.startsWith('Lifeboat'))).toEqual([]);
  expect(commands.map(({ name }) => name)).not.toContainEqual(
    expect.not.stringMatching(/^(add-mask|debug|error|warning|notice)$/),
  );
  expect(log).not.toMatch(/^\s*::|##\[/m);
  expect(summary).not.toMatch(/<img|<script/);
}
