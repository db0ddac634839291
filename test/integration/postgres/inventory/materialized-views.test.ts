import { expect, test } from '@jest/globals';
import { readMaterializedViews } from '../../../../src/postgres/inventory/materialized-views.ts';
import { inSnapshot, openSession } from '../../../support/postgres/inventory.ts';
import { sharedPostgres } from '../../../support/servers/postgres.ts';

test('C5: populated or not is recorded, also of one that is being refreshed; their rows are not read', async () => {
  const server = await sharedPostgres();
  await server.createDatabase('views', 'TEMPLATE template0');
  await server.psql(
    'views',
    `create materialized view "full
" as select generate_series(1, 7); create materialized view waiting as select 1 with no data;
    create view plain as select 1`,
  );
  const refreshing = await openSession(server.env('views'));
  await refreshing.run('begin');
  await refreshing.run('refresh materialized view public."full\n"');
  expect(await inSnapshot(server.env('views'), readMaterializedViews)).toEqual([
    { schema: 'public', name: 'full\n', populated: true, rows: null },
    { schema: 'public', name: 'waiting', populated: false, rows: null },
  ]);
  await refreshing.run('rollback');
  await refreshing.close();
});
