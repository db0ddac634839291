import { expect, test } from '@jest/globals';
import { backupInputs, errorsOf, runBackup } from '../support/action/run-backup.ts';
import { expectProven, runRestoreTest } from '../support/action/run-restore-test.ts';
import { newStoreFolder } from '../support/action/stored-backup.ts';
import { startPostgres } from '../support/servers/postgres.ts';

const patient = { cancelAfter: 1_200_000 };

test('1,000 schemas with 10,000 tables: proven', async () => {
  const server = await startPostgres({ settings: { max_locks_per_transaction: 1024 } });
  await server.createDatabase('many');
  for (let first = 1; first <= 1000; first += 100) {
    await server.psql(
      'many',
      `do $$ begin
        for s in ${first}..${first + 99} loop
          execute format('create schema tenant_%s', s);
          for t in 1..10 loop
            execute format('create table tenant_%s.table_%s (id serial primary key, what text)', s, t);
            execute format('insert into tenant_%s.table_%s (what) select %L from generate_series(1, %s)', s, t, 'x', t - 1);
          end loop;
        end loop;
      end $$`,
    );
  }
  const store = newStoreFolder();
  const backup = await runBackup(backupInputs(server, 'many', store), patient);
  expect(errorsOf(backup)).toEqual([]);
  expect(backup.outputs).toMatchObject({ tables: '10000', rows: '45000' });
  const proven = await runRestoreTest(store, {}, patient);
  expectProven(proven);
  expect(proven.summary).not.toBe('');

  await server.stop('immediate');
}, 3_600_000);

test('a row of 200 MB: proven, in flat memory', async () => {
  const server = await startPostgres();
  await server.createDatabase('wide');
  await server.psql(
    'wide',
    `create table wide (b bytea); alter table wide alter column b set storage external;
    insert into wide select convert_to(repeat('x', 200000000), 'UTF8');`,
  );
  const store = newStoreFolder();
  const backup = await runBackup({ ...backupInputs(server, 'wide', store), fingerprint: 'content' }, patient);
  expect(errorsOf(backup)).toEqual([]);
  const proven = await runRestoreTest(store, {}, patient);
  expectProven(proven);
  for (const { peakRss } of [backup, proven]) expect(peakRss).toBeLessThan(300e6);
  await server.stop('immediate');
}, 3_600_000);
