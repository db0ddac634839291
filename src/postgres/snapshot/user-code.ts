import type { Session } from '../session/session.ts';
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
    with recursive ${ANCESTOR}
    select distinct on (part.oid) part.oid::pg_catalog.int8 as oid, part.kind as part, part.name as "partName",
      used.kind as used, used.name as "usedName"
    from pg_catalog.pg_depend d
    cross join lateral (${PART}) as part
    join pg_catalog.pg_class t on t.oid = part.oid and t.relkind = 'r'
    left join pg_catalog.pg_type listed on d.refclassid = ${catalogLiteral('pg_type')} and listed.oid = d.refobjid
      and listed.typcategory = 'A' and listed.typelem <> 0
    cross join lateral (select d.refclassid as classid, coalesce(listed.typelem, d.refobjid) as oid) as ref
    left join lateral (${NAMED}) as used on true
    where d.refobjid >= ${FIRST_NORMAL_OID} and d.refclassid not in (${HARMLESS.map(catalogLiteral).join(', ')})
      and used.harmless is not true
    order by part.oid, part.kind, part.name collate pg_catalog."C", used.kind, used.name collate pg_catalog."C"`);
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

function catalogLiteral(name: string): string {
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

const RELATION_NAME = '(select c.relname from pg_catalog.pg_class c where c.oid = d.objid)';

/**
 * What of a table is planned with a query on it, as the dependent `d` of pg_depend. A partition key is recorded as its
 * partitioned table's, and the type of a column as that column's (objsubid). Here and below all is looked up by oid: after a restore there are no statistics for joins.
 */
const PART = `
  select i.indrelid as oid, 'index' as kind, ${RELATION_NAME} as name from pg_catalog.pg_index i
  where d.classid = ${catalogLiteral('pg_class')} and i.indexrelid = d.objid
  union all
  select s.stxrelid, 'statistics', s.stxname from pg_catalog.pg_statistic_ext s
  where d.classid = ${catalogLiteral('pg_statistic_ext')} and s.oid = d.objid
  union all
  select o.conrelid, 'constraint', o.conname from pg_catalog.pg_constraint o
  where d.classid = ${catalogLiteral('pg_constraint')} and o.oid = d.objid
  union all
  select a.oid, 'partitioned table', ${RELATION_NAME} from ancestor a
  where d.classid = ${catalogLiteral('pg_class')} and a.above = d.objid and d.objsubid = 0`;

/** What `ref` is, for words, and whether it is harmless. */
const NAMED = [
  namedObjects('function', 'pg_proc', 'pro'),
  namedObjects('operator', 'pg_operator', 'opr'),
  namedObjects('operator class', 'pg_opclass', 'opc'),
  namedObjects('operator family', 'pg_opfamily', 'opf'),
  namedObjects('type', 'pg_type', 'typ', "o.typtype = 'e'"),
].join(' union all ');

function namedObjects(kind: string, table: string, prefix: string, harmless = 'false'): string {
  return `
    select '${kind}' as kind, o.${prefix}name as name,
      ${harmless} or o.oid < ${FIRST_NORMAL_OID} or exists (
        select from pg_catalog.pg_depend e
        join pg_catalog.pg_roles r on r.oid = o.${prefix}owner and r.rolsuper
        where e.classid = ${catalogLiteral(table)} and e.objid = o.oid and e.deptype = 'e') as harmless
    from pg_catalog.${table} o where ref.classid = ${catalogLiteral(table)} and o.oid = ref.oid`;
}
