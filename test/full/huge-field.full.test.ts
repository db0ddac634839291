import { expect, test } from '@jest/globals';
import { backupInputs, errorsOf, runBackup } from '../support/action/run-backup.ts';
import { filesBelow, newStoreFolder } from '../support/action/stored-backup.ts';
import { startPostgres } from '../support/servers/postgres.ts';

/* Needs 4 GB of memory and a minute: a field that can be stored, but is longer than 1 GB as text. */
test('P9: a field that is too large for pg_dump: the table is named, and what to do', async () => {
  const server = await startPostgres();
  await server.createDatabase('huge');
  await server.psql(
    'huge',
    `create table big (b bytea); alter table big alter column b set storage external;
    insert into big select convert_to(repeat('x', 268500000), 'UTF8');`,
  );
  const store = newStoreFolder();
  const patient = { cancelAfter: 1_200_000 };
  const healthy = await runBackup(backupInputs(server, 'huge', store), patient);
  expect(healthy.exitCode).toBe(0);
  const kept = filesBelow(store.path);

  await server.psql('huge', 'update big set b = b || b');
  const result = await runBackup(backupInputs(server, 'huge', store), patient);
  expect(result.exitCode).toBe(1);
  expect(errorsOf(result)).toEqual([
    expect.objectContaining({ message: expect.stringMatching(/"big".*too large to be written as text/s) }),
  ]);
  expect(filesBelow(store.path)).toEqual(kept);
  await server.stop('immediate');
}, 3_600_000);
