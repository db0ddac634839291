import { createHash } from 'node:crypto';
import type { DatabaseFacts, ExtensionFacts, ServerFacts } from '../../formats/inventory/inventory.ts';
import type { Session } from '../session/session.ts';
import { sortedAcl } from './acl.ts';

/** BOOTSTRAP_SUPERUSERID of pg_authid.dat. */
const BOOTSTRAP = 10;

export async function readServer(session: Session): Promise<ServerFacts> {
  const [server] = await session.query<ServerFacts>(`
    select pg_catalog.current_setting('server_version') as version,
      pg_catalog.current_setting('server_version_num')::int as "versionNumber",
      pg_catalog.pg_get_userbyid(${BOOTSTRAP}) as bootstrap, pg_catalog.pg_is_in_recovery() as standby`);
  if (!server) throw new Error('The server answered nothing about itself.');
  return server;
}

export async function readDatabase(session: Session, versionNumber: number): Promise<DatabaseFacts> {
  const [database] = await session.query<DatabaseFacts>(`
    select d.datname as name, pg_catalog.pg_get_userbyid(d.datdba) as owner,
      pg_catalog.pg_encoding_to_char(d.encoding) as encoding, d.datcollate as collate, d.datctype as ctype, ${providerColumns(versionNumber)},
      t.spcname as tablespace, d.datconnlimit as "connectionLimit",
      ${sortedAcl('d.datacl', "pg_catalog.acldefault('d', d.datdba)")} as acl,
      pg_catalog.shobj_description(d.oid, 'pg_database') as comment,
      coalesce((
        select pg_catalog.json_agg(
          pg_catalog.json_build_object('role', r.rolname, 'settings', sorted)
          order by r.rolname collate pg_catalog."C" nulls first)
        from pg_catalog.pg_db_role_setting s
        left join pg_catalog.pg_roles r on r.oid = s.setrole
        cross join lateral (
          select pg_catalog.json_agg(setting order by setting collate pg_catalog."C") as sorted
          from pg_catalog.unnest(s.setconfig) setting) c
        where s.setdatabase = d.oid and (s.setrole = 0 or r.oid is not null)), '[]') as settings
    from pg_catalog.pg_database d
    join pg_catalog.pg_tablespace t on t.oid = d.dattablespace
    where d.datname = pg_catalog.current_database()`);
  if (!database) throw new Error('The server answered nothing about the database.');
  return database;
}

/** pg_database's columns of locale and collation changed their names in PostgreSQL 15, 16 and 17. */
function providerColumns(versionNumber: number): string {
  const locale =
    versionNumber >= 170000 ? 'd.datlocale' : versionNumber >= 150000 ? 'd.daticulocale' : 'null::pg_catalog.text';
  const rules = versionNumber >= 160000 ? 'd.daticurules' : 'null::pg_catalog.text';
  const since15 =
    versionNumber >= 150000
      ? `case d.datlocprovider when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end as provider,
        d.datcollversion as "collationVersion"`
      : `'libc' as provider, null::pg_catalog.text as "collationVersion"`;
  return `${since15}, ${locale} as locale, ${rules} as "icuRules"`;
}

export function readExtensions(session: Session): Promise<ExtensionFacts[]> {
  return session.query<ExtensionFacts>(`
    select e.extname as name, e.extversion as version, n.nspname as schema,
      pg_catalog.pg_get_userbyid(e.extowner) as owner
    from pg_catalog.pg_extension e
    join pg_catalog.pg_namespace n on n.oid = e.extnamespace
    order by e.extname collate pg_catalog."C"`);
}

/**
 * What makes this database the same one as that of an earlier backup, though its name, host or server may have changed:
 * the sha256, in hex, of the cluster's identifier, which its standbys share, and the database's oid. null when the role
 * may not ask for the identifier.
 */
export async function readSource(session: Session): Promise<string | null> {
  const [may] = await session.query<{ ask: boolean }>(
    `select pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute') as ask`,
  );
  if (!may?.ask) return null;
  const [source] = await session.query<{ text: string }>(`
    select system_identifier::pg_catalog.text || '/' || oid::pg_catalog.text as text
    from pg_catalog.pg_control_system(), pg_catalog.pg_database where datname = pg_catalog.current_database()`);
  return source ? createHash('sha256').update(source.text).digest('hex') : null;
}
