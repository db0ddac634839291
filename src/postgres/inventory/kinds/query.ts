import { sortedAcl } from '../acl.ts';
import type { Home, Kind } from './kind.ts';

/** FirstNormalObjectId of transam.h: initdb made the objects below it. */
const FIRST_NORMAL_OID = 16384;

/** The objects that are dumped whole: the user's. */
export function dumpedObjects(kind: Kind): string {
  const { oid = 'o.oid', column = '0', owner = 'null::pg_catalog.oid', acl, home, where = 'true' } = kind;
  const flags = Object.entries(kind.flags).map(([name, expression]) => `'${name}', ${expression}`);
  return `
    select ${oid} as objid, ${column}::pg_catalog.int4 as objsubid, ${owner} as owner,
      ${acl ? sortedAcl(acl.items, acl.byDefault) : 'null::pg_catalog.text[]'} as acl,
      ${kind.withoutComment ?? 'false'} as silent,
      pg_catalog.json_strip_nulls(pg_catalog.json_build_object(${flags.join(', ')})) as flags
    from ${kind.from}
    where (${where}) ${home ? `and ${inUserSchema(home)} and not ${isMember(home)}` : ''}`;
}

/**
 * The others with an ACL that is not the one that initdb or the extension's script left (pg_init_privs): pg_dump dumps
 * the difference for extensions and for pg_catalog (checkExtensionMembership, selectDumpableNamespace in pg_dump.c).
 */
export function grantedObjects(kind: Kind, { items, byDefault }: NonNullable<Kind['acl']>, home: Home): string {
  const { oid = 'o.oid', column = '0', where = 'true' } = kind;
  const acl = sortedAcl(items, `coalesce(p.initprivs, ${byDefault})`);
  return `
    select ${oid} as objid, ${column}::pg_catalog.int4 as objsubid, null::pg_catalog.oid as owner,
      ${acl} as acl, true as silent,
      pg_catalog.json_build_object('partOf', case when ${isMember(home)} then 'extension' else 'system' end) as flags
    from ${kind.from}
    left join pg_catalog.pg_init_privs p
      on p.classoid = ${oidOf(kind.catalog)} and p.objoid = ${oid} and p.objsubid = ${column}
    where (${where}) and (${isMember(home)} or ${inSystem(home)})
      and ${acl} is not null`;
}

/** The facts of the objects that `sql` finds, by the identity that the server gives them; `where` may ask for `k.objid`. */
export function describedObjects(kind: Kind, sql: string, where: string): string {
  return `
    select i.type, ${kind.identity ?? 'i.identity'} as identity, pg_catalog.pg_get_userbyid(k.owner) as owner, k.acl,
      case when not k.silent then d.description end as comment,
      array(
        select l.provider || ': ' || l.label collate pg_catalog."C" from pg_catalog.pg_seclabel l
        where not k.silent and l.classoid = ${oidOf(kind.catalog)} and l.objoid = k.objid and l.objsubid = k.objsubid
        order by 1) as "securityLabels",
      k.flags
    from (${sql}) k
    cross join lateral pg_catalog.pg_identify_object(${oidOf(kind.catalog)}, k.objid, k.objsubid) i
    left join pg_catalog.pg_description d
      on d.classoid = ${oidOf(kind.catalog)} and d.objoid = k.objid and d.objsubid = k.objsubid
    where ${where}`;
}

/** The oid of a catalog, as pg_depend and others have it in classid. */
function oidOf(catalog: string): string {
  return `'pg_catalog.${catalog}'::pg_catalog.regclass`;
}

function inUserSchema({ schema, oid }: Home): string {
  if (schema === undefined) return `${oid} >= ${FIRST_NORMAL_OID}`;
  return `exists (
    select from pg_catalog.pg_namespace n
    where n.oid = ${schema} and n.nspname !~ '^pg_' and n.nspname <> 'information_schema')`;
}

function inSystem({ schema, oid }: Home): string {
  return schema === undefined ? `${oid} < ${FIRST_NORMAL_OID}` : `${schema} = 'pg_catalog'::pg_catalog.regnamespace`;
}

function isMember({ catalog, oid }: Home): string {
  return `exists (
    select from pg_catalog.pg_depend e where e.classid = ${oidOf(catalog)} and e.objid = ${oid} and e.deptype = 'e')`;
}
