import type { Session } from './session.ts';
import type { Table } from './tables.ts';

/** What makes a query on a table run a user's code, in words, by the table's oid. */
export type UserCode = Map<number, string>;

/**
 * How the rows of a table may be read. PostgreSQL plans every query, also `COPY (SELECT ...)`. Planning computes what is
 * constant in index expressions and predicates, extended statistics and constraints, with the rights of the role that
 * reads (eval_const_expressions, called from plancat.c): the owner of a table would run code as that role. Only
 * `COPY table TO STDOUT` reads without a plan.
 */
export function howToRead({ oid }: Pick<Table, 'oid'>, userCode: UserCode): 'query' | 'copy' {
  return userCode.has(oid) ? 'copy' : 'query';
}

/**
 * Finds the tables that have a user's code in an index, extended statistics, a constraint, or the partition key of a
 * table above them: functions, operators, operator classes, types and whatever else pg_depend records of these, without
 * checking what it does. Not a user's code is:
 * - what initdb created, with an oid below 16384 (FirstNormalObjectId in transam.h);
 * - what belongs both to an extension and to a superuser: no other role can change it;
 * - an enum or an array of enums, and what the catalogs in {@link HARMLESS} hold.
 *
 * Row security policies are not planned with row_security = off, and a query computes neither defaults nor stored
 * generated columns.
 */
export async function findUserCode(session: Session): Promise<UserCode> {
  const found = await session.query<Record<'part' | 'partName' | 'used' | 'usedName', string> & { oid: number }>(`
    with recursive ${ANCESTOR}, ${PART}
    select distinct on (part.oid) part.oid::pg_catalog.int8 as oid, part.kind as part, part.name as "partName",
      used.kind as used, used.name as "usedName"
    from part
    join pg_catalog.pg_class c on c.oid = part.oid and c.relkind = 'r'
    join pg_catalog.pg_depend d on d.classid = part.classid and d.objid = part.objid
      and d.refobjid >= ${FIRST_NORMAL_OID} and d.refclassid not in (${HARMLESS.map(catalog).join(', ')})
    left join pg_catalog.pg_type listed on d.refclassid = ${catalog('pg_type')} and listed.oid = d.refobjid
      and listed.typcategory = 'A' and listed.typelem <> 0
    cross join lateral (select d.refclassid as classid, coalesce(listed.typelem, d.refobjid) as oid) as ref
    left join (${NAMED}) as used on used.classid = ref.classid and used.oid = ref.oid
    where used.harmless is not true
    order by part.oid, part.kind, part.name collate "C", used.kind, used.name collate "C"`);
  return new Map(
    found.map(({ oid, part, partName, used, usedName }) => [
      oid,
      `${part} ${JSON.stringify(partName)} uses ${used ?? 'an object'} ${JSON.stringify(usedName ?? 'without a name')}`,
    ]),
  );
}

const FIRST_NORMAL_OID = 16384;

/** Catalogs of what has no code, or none that anyone but a superuser can give it (text search templates). */
const HARMLESS = [
  'pg_class',
  'pg_constraint',
  'pg_collation',
  'pg_namespace',
  'pg_extension',
  'pg_ts_config',
  'pg_ts_dict',
];

function catalog(name: string): string {
  return `'pg_catalog.${name}'::pg_catalog.regclass`;
}

/** The partitioned tables above each partition. */
const ANCESTOR = `
  ancestor (oid, above) as (
    select i.inhrelid, i.inhparent from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid and c.relispartition
    union
    select a.oid, i.inhparent from ancestor a
    join pg_catalog.pg_inherits i on i.inhrelid = a.above
    join pg_catalog.pg_class c on c.oid = a.above and c.relispartition)`;

/** What of a table is planned with a query on it. A partition key is recorded as the partitioned table's. */
const PART = `
  part (oid, classid, objid, kind, name) as (
    select i.indrelid, ${catalog('pg_class')}, c.oid, 'index', c.relname
    from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
    union all
    select stxrelid, ${catalog('pg_statistic_ext')}, oid, 'statistics', stxname from pg_catalog.pg_statistic_ext
    union all
    select conrelid, ${catalog('pg_constraint')}, oid, 'constraint', conname from pg_catalog.pg_constraint
    union all
    select a.oid, ${catalog('pg_class')}, a.above, 'partitioned table', c.relname
    from ancestor a join pg_catalog.pg_class c on c.oid = a.above)`;

/** Everything that can be used and that has a name, for words, and whether it is harmless. */
const NAMED = [
  named('function', 'pg_proc', 'pro'),
  named('operator', 'pg_operator', 'opr'),
  named('operator class', 'pg_opclass', 'opc'),
  named('operator family', 'pg_opfamily', 'opf'),
  named('type', 'pg_type', 'typ', "o.typtype = 'e'"),
].join(' union all ');

function named(kind: string, table: string, prefix: string, harmless = 'false'): string {
  return `
    select ${catalog(table)} as classid, o.oid, '${kind}' as kind, o.${prefix}name as name,
      ${harmless} or o.oid < ${FIRST_NORMAL_OID} or exists (
        select from pg_catalog.pg_depend e
        join pg_catalog.pg_roles r on r.oid = o.${prefix}owner and r.rolsuper
        where e.classid = ${catalog(table)} and e.objid = o.oid and e.deptype = 'e') as harmless
    from pg_catalog.${table} o where o.oid >= ${FIRST_NORMAL_OID}`;
}
