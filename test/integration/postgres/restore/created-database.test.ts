import { expect, test } from '@jest/globals';
import type { Inventory } from '../../../../src/formats/inventory/inventory.ts';
import { restoreInto } from '../../../../src/postgres/restore/restore-into.ts';
import { Session } from '../../../../src/postgres/session/session.ts';
import { serverTo } from '../../../support/postgres/server-to.ts';
import { sharedPostgres } from '../../../support/servers/postgres.ts';

test('a database that another run has just made of the same name is not dropped', async () => {
  const server = await sharedPostgres();
  const database = 'made_by_another';
  await server.createDatabase(database);
  const admin = await serverTo(server, 'postgres');
  const session = await Session.open(admin, 'admin');
  const scratch = { server: admin, session, version: '', versionNumber: 150000, private: false, close: async () => {} };
  const facts = { encoding: 'UTF8', collate: 'C', ctype: 'C', provider: 'libc', locale: null, icuRules: null };
  const inventory = { database: facts, extensions: [], roles: [] } as unknown as Inventory;
  const nothing = (async function* () {})();
  const parts = { archive: nothing, definitions: nothing, roles: [], jobs: 1, pick: null, onBytes: () => {} };
  await expect(restoreInto(scratch, { database, inventory, ...parts })).rejects.toThrow(/already exists/);
  session.kill();
  expect(await server.psql(database, 'select 1')).toBe('1');
  await server.dropDatabase(database);
});
