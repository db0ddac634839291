import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { RowCounter } from '../../src/postgres/archive/row-counter.ts';
import { backupInputs, errorsOf, runBackup } from '../support/action/run-backup.ts';
import { newStoreFolder } from '../support/action/stored-backup.ts';
import { createKitchenSink } from '../support/postgres/inventory.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { localPrograms } from '../support/servers/postgres-programs.ts';

/* The rows of a dump are counted twice: by a query in its snapshot, and in pg_dump's own stream. */
const SINK = 'dump_rows_sink';
const DAMAGED = 'dump_rows_damaged';

let server: PostgresServer;

beforeAll(async () => {
  server = await sharedPostgres();
  await createKitchenSink(server, SINK);
  await server.psql(
    SINK,
    `create table no_columns (); insert into no_columns select from generate_series(1, 12);
    create table only_generated (a int generated always as (1) stored); insert into only_generated select from generate_series(1, 13)`,
  );
});

async function rowsInDump(args: string[]): Promise<Record<string, number>> {
  const pgDump = spawn(join(localPrograms()?.binDir ?? '', 'pg_dump'), ['-Fc', '-Z0', '-w', ...args], {
    env: { PATH: process.env.PATH, LANG: 'C.UTF-8', ...server.env(SINK) },
  });
  const counter = new RowCounter();
  for await (const chunk of pgDump.stdout) counter.take(chunk);
  return Object.fromEntries(counter.rows());
}

test.each([
  ['as it is', []],
  ['into the root of partitioned tables', ['--load-via-partition-root']],
  ['without definitions', ['--data-only']],
])('every table of the kitchen sink has its own rows, dumped %s', async (_, args) => {
  const counted = await server.psql(
    SINK,
    `select json_object_agg(c.oid, (xpath('/row/n/text()', query_to_xml(
      format('select count(*) as n from only %I.%I', n.nspname, c.relname), false, true, '')))[1]::text::int)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')`,
  );
  const rows = await rowsInDump(args);
  expect(rows).toMatchObject(JSON.parse(counted) as Record<string, number>);
  expect(Object.values(rows)).toEqual(expect.arrayContaining([12, 13]));
});

test('a damaged index makes the two counts differ: the backup fails, and names the table and both numbers', async () => {
  await server.createDatabase(DAMAGED);
  await server.psql(
    DAMAGED,
    `create table orders (id int primary key); insert into orders select generate_series(1, 40);
    update pg_index set indisready = false where indexrelid = 'orders_pkey'::regclass;
    create table others as select 1 as id`,
  );
  await server.psql(DAMAGED, 'insert into orders select generate_series(41, 50)');
  await server.psql(
    DAMAGED,
    `update pg_index set indisready = true where indexrelid = 'orders_pkey'::regclass;
    alter database ${DAMAGED} set enable_seqscan = off; alter database ${DAMAGED} set enable_bitmapscan = off`,
  );
  expect(await server.psql(DAMAGED, 'select count(*) from orders')).toBe('40');
  const store = newStoreFolder();
  const result = await runBackup(backupInputs(server, DAMAGED, store));
  expect(errorsOf(result)).toEqual([
    {
      kind: 'error',
      title: 'Lifeboat: backup failed',
      message: expect.stringMatching(
        /^Table "public"\."orders" has 40 rows by count\(\*\), but pg_dump wrote 50 in the same snapshot\. The backup was not kept\..*pg_amcheck/,
      ),
    },
  ]);
  expect(result.exitCode).toBe(1);
});
