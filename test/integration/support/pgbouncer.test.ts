import { expect, test } from '@jest/globals';
import { type Pgbouncer, startPgbouncer } from '../../support/servers/pgbouncer.ts';
import { psql, sharedPostgres } from '../../support/servers/postgres.ts';

/** The backends that six transactions of one client get, while the pooler has two. */
async function backendsOf(pooler: Pgbouncer): Promise<number> {
  const occupy = () => psql(pooler.env('postgres'), 'SELECT pg_sleep(1.5)');
  await Promise.all([occupy(), occupy()]);
  const pids = await psql(pooler.env('postgres'), 'SELECT pg_backend_pid();\n'.repeat(6));
  return new Set(pids.split('\n')).size;
}

test('a pooled client changes its backend between transactions, or not, as asked', async () => {
  const server = await sharedPostgres();
  const roundRobin = { default_pool_size: 2, server_round_robin: 1 };
  const transactions = await startPgbouncer(server, { pool_mode: 'transaction', ...roundRobin });
  const sessions = await startPgbouncer(server, { pool_mode: 'session', ...roundRobin });
  await expect(backendsOf(transactions)).resolves.toBe(2);
  await expect(backendsOf(sessions)).resolves.toBe(1);
  await Promise.all([transactions.stop(), sessions.stop()]);
});

test('the pooler demands the password, and can be stopped', async () => {
  const pooler = await startPgbouncer(await sharedPostgres());
  const wrong = { ...pooler.env('postgres'), PGPASSWORD: 'wrong' };
  await expect(psql(wrong, 'SELECT 1')).rejects.toThrow('SASL authentication failed');
  await pooler.stop();
  await expect(psql(pooler.env('postgres'), 'SELECT 1')).rejects.toThrow('Connection refused');
});
