import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Inventory } from '../../src/formats/inventory/inventory.ts';
import { newGnupgHome, readByHand } from '../support/action/gnupg.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { newStoreFolder, pathOf, readBackup } from '../support/action/stored-backup.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';

/*
 * Two clients insert, update and delete without a pause. In one transaction each inserts a row into `growing` and one
 * into `twin`, deletes one from `shrinking`, and moves another between `left` and `right`: so at every moment
 * growing = twin, shrinking = START - growing and left + right = START, and no two moments have the same counts.
 */
const DATABASE = 'moving';
const ROUNDS = 4;
const START = 200_000;
const TABLES = ['growing', 'twin', 'shrinking', 'left', 'right'] as const;

const SETUP = `
create table growing (id bigserial primary key, text text);
create table twin (id bigserial primary key, text text);
create table shrinking as select n as id, repeat('x', 50) as text from generate_series(1, ${START}) n;
create table "left" as select n as id, 0 as changed from generate_series(1, ${START}) n;
create table "right" (like "left");
create table filler as select n, md5(n::text) || md5((n + 1)::text) as text from generate_series(1, 200000) n;
alter table shrinking add primary key (id);
alter table "left" add primary key (id);
create table stop ()`;

/** A client; client is 0 or 1. It ends when there is a row in stop. */
const client = (number: number) => `
do $$
declare
  n bigint := ${number};
begin
  loop
    exit when exists (select from stop);
    insert into growing (text) values (n);
    insert into twin (text) values (n);
    delete from shrinking where id = n + 1;
    with moved as (delete from "left" where id = n + 1 returning *) insert into "right" select * from moved;
    update "left" set changed = changed + 1 where id = ${START} - n;
    commit;
    perform pg_sleep(0.0005);
    n := n + 2;
  end loop;
end $$`;

let server: PostgresServer;
let clients: Promise<unknown>;

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase(DATABASE);
  await server.psql(DATABASE, SETUP);
  clients = Promise.all([0, 1].map((number) => server.psql(DATABASE, client(number))));
  while ((await countOf(DATABASE)).growing === 0) await sleep(10);
});

afterAll(async () => {
  await server.psql(DATABASE, 'insert into stop default values');
  await clients;
});

type Counts = Record<(typeof TABLES)[number], number>;

/** All in one statement: one moment. */
async function countOf(database: string): Promise<Counts> {
  const counts = TABLES.map((table) => `'${table}', (select count(*) from only "${table}")`);
  return JSON.parse(await server.psql(database, `select json_build_object(${counts.join(', ')})`)) as Counts;
}

test(`archive and inventory are equal, and of one moment, in ${ROUNDS} rounds`, async () => {
  for (let round = 1; round <= ROUNDS; round++) {
    const before = await countOf(DATABASE);
    const store = newStoreFolder();
    const result = await runBackup(backupInputs(server, DATABASE, store));
    const after = await countOf(DATABASE);
    expect(errorsOf(result)).toEqual([]);

    const backup = readBackup(store, DATABASE, result.outputs.id ?? '');
    const reader = { home: newGnupgHome(), passphrase: PASSPHRASE };
    const target = `moved_${round}`;
    await server.createDatabase(target, 'TEMPLATE template0');
    const into = `pg_restore -d ${target} --section=pre-data --section=data`;
    await readByHand(pathOf(backup, 'data'), { ...reader, into, env: server.env('postgres') });
    const restored = await countOf(target);
    await server.dropDatabase(target);

    const inventory = JSON.parse(await readByHand(pathOf(backup, 'inventory'), reader)) as Inventory;
    const counted = Object.fromEntries(inventory.tables.map(({ name, rows }) => [name, Number(rows)]));
    expect(counted).toEqual({ ...restored, filler: 200_000, stop: 0 });
    expect(result.outputs.rows).toBe(String(Object.values(counted).reduce((sum, rows) => sum + rows, 0)));

    const { growing, twin, shrinking, left, right } = restored;
    expect({ twin, shrinking: START - shrinking, moved: left + right }).toEqual({
      twin: growing,
      shrinking: growing,
      moved: START,
    });
    // The control: counts that are not of the snapshot differ from it, however near in time.
    expect(before.growing).toBeLessThan(growing);
    expect(after.growing).toBeGreaterThan(growing);
    expect(after.left).toBeLessThan(left);
  }
});
