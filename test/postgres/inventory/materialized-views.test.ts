import { beforeAll, expect, test } from '@jest/globals';
import { readMaterializedViews } from '../../../src/postgres/inventory/materialized-views.ts';
import { type PostgresServer, sharedPostgres } from '../../servers/postgres.ts';
import { inSnapshot, openSession } from './support.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase('views', 'TEMPLATE template0');
  await server.psql(
    'views',
    `create materialized view "full
" as select generate_series(1, 7); create materialized view waiting as select 1 with no data;
    create view plain as select 1; create materialized view refreshed as select generate_series(1, 3)`,
  );
});

test('C5: populated ones are counted, others are not touched', async () => {
  expect(await inSnapshot(server.env('views'), readMaterializedViews)).toEqual([
    { schema: 'public', name: 'full\n', populated: true, rows: '7' },
    { schema: 'public', name: 'refreshed', populated: true, rows: '3' },
    { schema: 'public', name: 'waiting', populated: false, rows: null },
  ]);
});

test('one that was refreshed since the snapshot, or is being refreshed, has no number of rows', async () => {
  const refreshing = await openSession(server.env('views'));
  const views = await inSnapshot(server.env('views'), async (session) => {
    await session.query('select 1');
    await server.psql('views', 'refresh materialized view refreshed');
    await refreshing.run('begin');
    await refreshing.run('refresh materialized view "full\n"');
    return readMaterializedViews(session);
  });
  expect(views.map(({ rows }) => rows)).toEqual([null, null, null]);
  await refreshing.run('rollback');
  await refreshing.close();
});
