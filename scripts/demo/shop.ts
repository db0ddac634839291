import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatBytes, formatCount } from '../../src/units.ts';
import type { PostgresServer } from '../../test/support/servers/postgres.ts';

const ROWS = `
  SELECT count(*), sum(reltuples)::bigint, pg_database_size('shop')
  FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`;

/** Fills the database `shop` with a web shop's customers, orders and payments. Resolves with what it holds, in words. */
export async function createShop(server: PostgresServer): Promise<string> {
  await server.createDatabase('shop');
  await server.psql('shop', readFileSync(join(import.meta.dirname, 'shop.sql'), 'utf8'));
  const [tables, rows = '', size] = (await server.psql('shop', ROWS)).split('|');
  return `${tables} tables, ${formatCount(rows)} rows, ${formatBytes(Number(size))}`;
}
