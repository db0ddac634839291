import type { PostgresServer } from '../servers/postgres.ts';

/** What a table holds: its rows, and a digest of them whatever their physical order. */
export interface TableContents {
  rows: number;
  md5: string;
}

/** The contents of every user's table by itself (`ONLY`), by `schema.table`. */
export async function readTables(server: PostgresServer, database: string): Promise<Record<string, TableContents>> {
  const rows = await server.psql(
    database,
    `set timezone = 'UTC'; set bytea_output = 'hex'; set row_security = off;
    select json_build_object('name', n.nspname || '.' || c.relname, 'contents',
      (xpath('/row/c/text()', query_to_xml(format(
        'select json_build_object(''rows'', count(*), ''md5'',
          md5(coalesce(string_agg(t::text, chr(10) order by t::text collate "C"), ''''))) as c from only %I.%I t',
        n.nspname, c.relname), false, true, '')))[1]::text::json)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and c.relpersistence <> 't'
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`,
  );
  const tables = rows.split('\n').map((line) => JSON.parse(line) as { name: string; contents: TableContents });
  return Object.fromEntries(tables.map(({ name, contents }) => [name, contents]));
}
