import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { RestoreReport } from '../../src/commands/restore/report.ts';
import { type ActionInputs, type ActionResult, runAction } from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';

const DATABASE = 'part_shop';
const SOURCE = readFileSync(join(import.meta.dirname, '..', 'fixtures', 'part-shop.sql'), 'utf8');

let server: PostgresServer;
let store: StoreFolder;
let id: string;

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase(DATABASE);
  await server.psql(DATABASE, SOURCE);
  store = newStoreFolder();
  const backup = await runBackup({ ...backupInputs(server, DATABASE, store), fingerprint: 'content' });
  expect(errorsOf(backup)).toEqual([]);
  id = backup.outputs.id ?? '';
});

afterEach(() => server.dropDatabase(restoredName()));

const restoredName = () => `${DATABASE}_restored_${id}`;

function restore(inputs: ActionInputs, database = DATABASE): Promise<ActionResult> {
  const to = { 'database-url': server.url(database), confirm: database };
  return runAction({ command: 'restore', store: store.url, name: DATABASE, passphrase: PASSPHRASE, ...to, ...inputs });
}

/** Green: what was asked for is there and equals what was dumped. */
async function proven(inputs: ActionInputs): Promise<RestoreReport> {
  const result = await restore(inputs);
  expect(result.log).not.toMatch(/^- /m);
  expect(errorsOf(result)).toEqual([]);
  expect(result.outputs.verdict).toBe('proven');
  return JSON.parse(readFileSync(result.outputs.report ?? '', 'utf8')) as RestoreReport;
}

/** One value of the restored database. */
const ask = (sql: string) => server.psql(restoredName(), sql);

/** Every table of the restored database that holds rows of its own, with how many. */
async function rowsByTable(): Promise<Record<string, number>> {
  const count = `query_to_xml(format('select count(*) as n from only %s', c.oid::regclass), true, true, '')`;
  const counted = await ask(`
    select json_object_agg(c.oid::regclass, (xpath('/row/n/text()', ${count}))[1]::text::int)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where relkind = 'r' and nspname !~ '^(pg_|information_schema)'`);
  return counted === '' ? {} : JSON.parse(counted);
}

test('a table with all that belongs to it, and with nothing else of other tables than it needs', async () => {
  const { part, notVerified } = await proven({ tables: 'app.orders' });
  expect(part).toEqual({
    relations: ['app.orders'],
    sequences: ['app.orders_id_seq', 'app.shared'],
    // The policy reads it.
    definitions: ['app.members'],
    foreignKeysLeftOut: [
      '"to ""x"" y" on app.orders (references other.addresses)',
      'orders_customer_fkey on app.orders (references app.customers)',
    ],
    definitionsLeftOut: [],
    largeObjectsLeftOut: '1',
  });
  expect(await rowsByTable()).toEqual({ 'app.orders': 200, 'app.members': 0 });
  expect(await ask(`select nextval('app.shared'), nextval('app.orders_id_seq')`)).toBe('1250|207');
  const belongs = `select
    (select count(*) from pg_index where indrelid = 'app.orders'::regclass),
    (select string_agg(conname, ', ' order by conname) from pg_constraint where conrelid = 'app.orders'::regclass),
    (select count(*) from pg_trigger where tgrelid = 'app.orders'::regclass and tgname = 'touched'),
    (select polroles::regrole[] from pg_policy), obj_description('app."odd ""index"" x"'::regclass),
    has_table_privilege('part_reader', 'app.orders', 'select')`;
  expect(await ask(belongs)).toBe(
    '3|later, orders_before_fkey, orders_pkey, orders_total_check|1|{part_watcher}|odd|t',
  );
  expect(notVerified).toEqual(
    expect.arrayContaining([
      'What was not asked for: 17 tables, views and sequences of the backup.',
      'Rows of app.members: the definitions alone were restored.',
      'Large objects (1): they were left out.',
      expect.stringMatching(/^Foreign key "to ""x"" y" on app\.orders/),
    ]),
  );
});

test('several tables: what hangs together among them stays together', async () => {
  const { part } = await proven({ tables: '# the core\napp.orders\ncustomers\n\napp.lines', jobs: '2' });
  expect(part?.foreignKeysLeftOut).toEqual(['"to ""x"" y" on app.orders (references other.addresses)']);
  expect(await rowsByTable()).toEqual({ 'app.customers': 50, 'app.lines': 400, 'app.orders': 200, 'app.members': 0 });
  expect(await ask(`select string_agg(conname, ', ' order by conname) from pg_constraint where contype = 'f'`)).toBe(
    'lines_ordered_fkey, orders_before_fkey, orders_customer_fkey',
  );
  expect(await ask(`select pg_get_serial_sequence('app.customers', 'id'), nextval('app.customers_id_seq')`)).toBe(
    'app.customers_id_seq|52',
  );
});

test('a partitioned table brings its partitions, those of other schemas and of partitions too', async () => {
  const { part } = await proven({ tables: 'app.events' });
  expect(part?.relations).toEqual([
    '"Odd ""S"" x"."2026 ""e"""',
    '"Odd ""S"" x"."rest\nof 2026"',
    'app.events',
    'app.events_2025',
  ]);
  expect(await ask('select count(*) from app.events')).toBe('400');
});

test('a partition brings the definitions above it, and no other partition', async () => {
  const { part } = await proven({ tables: '"Odd ""S"" x"."rest\nof 2026"' });
  expect(part?.definitions).toEqual(['"Odd ""S"" x"."2026 ""e"""', 'app.events']);
  // The server made it from the trigger of the table above.
  expect(await ask(`select count(*), max(tgrelid::regclass::text) from pg_trigger where tgparentid <> 0`)).toMatch(
    /^2\|/,
  );
  expect(await rowsByTable()).toEqual({ '"Odd ""S"" x"."rest\nof 2026"': 186 });
});

test('a child comes with the definition of its parent, a default with the sequence of another table', async () => {
  const { part } = await proven({ tables: 'app.child\napp.guests' });
  expect(part).toMatchObject({ definitions: ['app.parent'], sequences: ['app.customers_id_seq'] });
  expect(await rowsByTable()).toEqual({ 'app.child': 2, 'app.parent': 0, 'app.guests': 1 });
  expect(await ask(`insert into app.guests (name) values ('b') returning id`)).toBe('52');
});

test('names that nobody expects', async () => {
  await proven({ tables: '"Odd ""S"" x"."Table; drop table ""x"" --"' });
  expect(await rowsByTable()).toEqual({ '"Odd ""S"" x"."Table; drop table ""x"" --"': 1 });
});

test('a view, a materialized view: computed from what is there, and that is said', async () => {
  const { part, notVerified } = await proven({ tables: 'open_orders\napp.totals' });
  expect(part?.definitions).toEqual(['app.members', 'app.orders']);
  expect(await ask('select relispopulated from pg_class where oid = $$app.totals$$::regclass')).toBe('t');
  expect(notVerified).toContain('Rows of materialized view app.totals: a restore computes them anew.');
});

test('a schema, and a table beside it; what is left out for them is listed', async () => {
  const { part, notVerified } = await proven({ schemas: 'other\n"Odd ""S"" x"', tables: 'app.members' });
  expect(part).toMatchObject({
    definitions: ['app.events'],
    definitionsLeftOut: [expect.stringMatching(/^FUNCTION app newest\(\)/)],
  });
  expect(notVerified).toContain('The function app.newest(): it needs what was not asked for.');
  expect(await rowsByTable()).toEqual({
    '"Odd ""S"" x"."Table; drop table ""x"" --"': 1,
    '"Odd ""S"" x"."rest\nof 2026"': 186,
    '"Odd ""S"" x".orders': 0,
    'app.members': 7,
    'other.addresses': 5,
  });
});

test('where the database is not there, the part does not take its name', async () => {
  const gone = 'part_shop_gone';
  const result = await restore({ tables: 'app.members' }, gone);
  const name = `${gone}_restored_${id}`;
  expect(errorsOf(result)).toEqual([]);
  expect(result.log).toMatch(/Does not make database "part_shop_gone": a part must not pass for it\./);
  expect(await server.psql('postgres', `select datname from pg_database where datname like '${gone}%'`)).toBe(name);
  expect(result.summary).toContain('What was asked for of backup');
  await server.dropDatabase(name);
});

test('of a backup that leaves something out: what is not in it cannot be asked for', async () => {
  const partial = newStoreFolder();
  const backup = await runBackup({
    ...backupInputs(server, DATABASE, partial),
    'dump-args': '--exclude-table=app.lines\n--exclude-table="Odd ""S"" x".rest*',
  });
  expect(errorsOf(backup)).toEqual([]);
  expect(errorsOf(await restore({ store: partial.url, tables: 'app.lines' }))).toEqual([
    expect.objectContaining({
      message: expect.stringMatching(
        /^tables: the backup does not hold app\.lines, for it was made with --exclude-table/,
      ),
    }),
  ]);
  const inputs = { store: partial.url, tables: 'app.events', schemas: 'other' };
  const result = await restore(inputs);
  expect(errorsOf(result)).toEqual([]);
  const name = `${DATABASE}_restored_${backup.outputs.id}`;
  expect(await server.psql(name, 'select count(*) from app.events')).toBe('214');
  await server.dropDatabase(name);
});

describe('nothing is made on the server', () => {
  const databases = () => server.psql('postgres', `select datname from pg_database where datname like 'part%'`);

  test('by a dry run, which tells the plan', async () => {
    const result = await restore({ tables: 'app.orders', 'dry-run': 'true' });
    const plan = result.log.split('\n').filter((line) => line.startsWith('[dry-run] '));
    expect(plan).toEqual([
      expect.stringMatching(/Restores a part of backup .* into the new database/),
      '[dry-run] What was asked for, with all that belongs to it: app.orders.',
      '[dry-run] Sequences that they use, with their values: app.orders_id_seq, app.shared.',
      '[dry-run] Their definitions alone, without rows, for what was asked for needs them: app.members.',
      '[dry-run] Types, functions, extensions and other definitions that belong to no table come along.',
      expect.stringMatching(/Leaves out foreign keys .*: "to ""x"" y" on app\.orders \(references other\.addresses\)/),
      expect.stringMatching(/Leaves out large objects \(1\)/),
      expect.stringMatching(/The tables take .* on the source’s disk/),
      '[dry-run] Leaves database "part_shop" as it is.',
    ]);
    expect(result.summary).toContain('Dry run');
    expect(await databases()).toBe(DATABASE);
  });

  test.each([
    [
      'a table that is not there',
      { tables: 'app.ordrs' },
      /^tables: the backup has no app\.ordrs\. It has .*app\.orders/,
    ],
    ['one in another schema', { tables: 'public.customers' }, /It has app\.customers\.$/],
    [
      'a name that two have',
      { tables: 'orders' },
      /^tables: orders is in several schemas.*"Odd ""S"" x"\.orders, app\.orders\.$/,
    ],
    ['a schema that is not there', { schemas: 'ap' }, /^schemas: the backup has no schema ap\. It has .*app/],
    [
      'names that the archive does not tell apart',
      { tables: 'a."b c"' },
      /^a\."b c" cannot be distinguished from others/,
    ],
    [
      'in place of the whole',
      { tables: 'app.orders', replace: 'true' },
      /^replace: tables restores a part of the backup/,
    ],
  ])('for %s', async (_, inputs, says) => {
    const result = await restore(inputs);
    expect(errorsOf(result)).toEqual([expect.objectContaining({ message: expect.stringMatching(says) })]);
    expect(await databases()).toBe(DATABASE);
  });
});
