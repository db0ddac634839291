import type { Session } from '../session/session.ts';
import { joinExtension } from './extension-owner.ts';

/** A table whose rows a dump of the whole database holds, or a partitioned one that holds its partitions together. */
export interface Table {
  oid: number;
  schema: string;
  name: string;
  /** `r`: holds rows. `p`: partitioned, holds none itself. */
  kind: 'r' | 'p';
  persistence: 'permanent' | 'unlogged';
  partition: boolean;
  /** The extension that owns it and has marked it as configuration, so that pg_dump dumps its rows. */
  extension: string | null;
  /** Which rows of it the dump holds (extcondition, "WHERE ..."); null: all. */
  condition: string | null;
  /** The file that this session's snapshot sees, and the one that is there now: they differ after a rewrite. */
  fileSeen: number;
  fileNow: number;
}

/**
 * The tables that pg_dump locks and dumps: selectDumpableNamespace and selectDumpableTable in pg_dump.c leave out the
 * system's schemas, and what an extension owns unless it is in extconfig (pg_extension_config_dump).
 * relfilenode comes from the snapshot, pg_relation_filenode() from the present.
 */
export function listTables(session: Session): Promise<Table[]> {
  return session.query<Table>(`
    select c.oid::pg_catalog.int8 as oid, n.nspname as schema, c.relname as name, c.relkind as kind,
      case c.relpersistence when 'u' then 'unlogged' else 'permanent' end as persistence,
      c.relispartition as partition, e.extname as extension,
      nullif(e.extcondition[pg_catalog.array_position(e.extconfig, c.oid)], '') as condition,
      c.relfilenode::pg_catalog.int8 as "fileSeen",
      coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)::pg_catalog.int8 as "fileNow"
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    ${joinExtension('left join')}
    where c.relkind in ('r', 'p') and c.relpersistence <> 't'
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and (e.oid is null or c.oid = any (e.extconfig))
    order by n.nspname, c.relname`);
}

/**
 * Bytes of each table with its TOAST, without indexes. Call it when the tables are locked: pg_table_size opens the
 * table and would wait behind an ALTER.
 */
export async function measureTables(session: Session, tables: Table[]): Promise<Map<number, number>> {
  const oids = tables.map(({ oid }) => oid).join(',');
  const rows = await session.query<{ oid: number; bytes: number }>(
    `select oid::pg_catalog.int8 as oid, coalesce(pg_catalog.pg_table_size(oid), 0) as bytes
    from pg_catalog.unnest('{${oids}}'::pg_catalog.oid[]) as t (oid)`,
  );
  return new Map(rows.map(({ oid, bytes }) => [oid, bytes]));
}
