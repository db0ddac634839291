import {
  columnNames,
  jsonList,
  type Kind,
  nameOfOid,
  optionNames,
  simpleExpression,
  sortedList,
  trueOrNull,
  wordForLetter,
} from './kind.ts';

/** Tables, partitioned tables, views, materialized views, foreign tables and sequences. */
export const relations: Kind = {
  catalog: 'pg_class',
  from: `pg_catalog.pg_class o
    left join pg_catalog.pg_sequence s on s.seqrelid = o.oid
    left join pg_catalog.pg_foreign_table f on f.ftrelid = o.oid`,
  where: "o.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and o.relpersistence <> 't'",
  owner: 'o.relowner',
  acl: {
    items: 'o.relacl',
    byDefault: "pg_catalog.acldefault(case o.relkind when 'S' then 's' else 'r' end::pg_catalog.\"char\", o.relowner)",
  },
  home: { schema: 'o.relnamespace', catalog: 'pg_class', oid: 'o.oid' },
  flags: {
    unlogged: trueOrNull("o.relpersistence = 'u'"),
    rowSecurity: trueOrNull('o.relrowsecurity'),
    forceRowSecurity: trueOrNull('o.relforcerowsecurity'),
    replicaIdentity: `case when o.relkind in ('r', 'p', 'm') then ${wordForLetter('o.relreplident', { n: 'nothing', f: 'full', i: 'index' })} end`,
    options: sortedList('o.reloptions'),
    toastOptions: `(select ${sortedList('t.reloptions')} from pg_catalog.pg_class t where t.oid = o.reltoastrelid)`,
    tablespace: '(select t.spcname from pg_catalog.pg_tablespace t where t.oid = o.reltablespace)',
    accessMethod: "(select a.amname from pg_catalog.pg_am a where a.oid = o.relam and a.amname <> 'heap')",
    ofType: nameOfOid('o.reloftype', 'regtype'),
    parents: jsonList(
      'select i.inhparent::pg_catalog.regclass::pg_catalog.text from pg_catalog.pg_inherits i where i.inhrelid = o.oid order by i.inhseqno',
    ),
    partitionBound: 'pg_catalog.pg_get_expr(o.relpartbound, o.oid)',
    partitionKey: "case o.relkind when 'p' then pg_catalog.pg_get_partkeydef(o.oid) end",
    foreignServer: '(select s.srvname from pg_catalog.pg_foreign_server s where s.oid = f.ftserver)',
    foreignOptions: optionNames('f.ftoptions'),
    sequenceType: nameOfOid('s.seqtypid', 'regtype'),
    sequenceStart: 's.seqstart::pg_catalog.text',
    sequenceIncrement: 's.seqincrement::pg_catalog.text',
    sequenceMinimum: 's.seqmin::pg_catalog.text',
    sequenceMaximum: 's.seqmax::pg_catalog.text',
    sequenceCache: 's.seqcache::pg_catalog.text',
    sequenceCycle: trueOrNull('s.seqcycle'),
    sequenceOf: `case o.relkind when 'S' then (
      select d.refobjid::pg_catalog.regclass::pg_catalog.text || '.' || pg_catalog.quote_ident(a.attname)
      from pg_catalog.pg_depend d
      join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
      where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = o.oid
        and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype in ('a', 'i')) end`,
  },
};

const TABLE = { schema: 'c.relnamespace', catalog: 'pg_class', oid: 'c.oid' };

/**
 * Columns of tables, views, foreign tables and composite types. A system column is there when somebody has granted
 * something on it. The place of a column among the others can change when the table inherits: CREATE TABLE puts those
 * of the parents first.
 */
export function columns(version: number): Kind {
  const stored = (expression: string) => `case when c.relkind in ('r', 'p', 'm', 'f') then ${expression} end`;
  return {
    catalog: 'pg_class',
    from: `pg_catalog.pg_attribute o
      join pg_catalog.pg_class c on c.oid = o.attrelid
      join pg_catalog.pg_type t on t.oid = o.atttypid`,
    where: `c.relkind in ('r', 'p', 'v', 'm', 'f', 'c') and c.relpersistence <> 't' and not o.attisdropped
      and (o.attnum > 0 or o.attacl is not null)`,
    oid: 'o.attrelid',
    column: 'o.attnum',
    acl: { items: 'o.attacl', byDefault: "pg_catalog.acldefault('c', c.relowner)" },
    home: TABLE,
    flags: {
      type: 'pg_catalog.format_type(o.atttypid, o.atttypmod)',
      place: `case when o.attnum > 0 and (c.relispartition or not exists (select from pg_catalog.pg_inherits i where i.inhrelid = c.oid))
        then pg_catalog.count(*) filter (where o.attnum > 0) over (partition by o.attrelid order by o.attnum) end`,
      notNull: trueOrNull('o.attnotnull'),
      ...(version >= 180000 ? { notNullNotValid: NOT_NULL_NOT_VALID } : {}),
      identity: wordForLetter('o.attidentity', { a: 'always', d: 'by default' }),
      generated: wordForLetter('o.attgenerated', { s: 'stored', v: 'virtual' }),
      collation: `case when o.attcollation <> t.typcollation then ${nameOfOid('o.attcollation', 'regcollation')} end`,
      storage: stored(
        `case when o.attstorage <> t.typstorage then ${wordForLetter('o.attstorage', { p: 'plain', e: 'external', m: 'main', x: 'extended' })} end`,
      ),
      ...(version >= 140000 ? { compression: stored(wordForLetter('o.attcompression', { p: 'pglz', l: 'lz4' })) } : {}),
      // The default was -1, and is NULL since PostgreSQL 17.
      statistics: stored('nullif(o.attstattarget, -1)'),
      options: sortedList(SET_OPTIONS),
      foreignOptions: optionNames('o.attfdwoptions'),
    },
  };
}

/** The server itself notes `pg_attver=…` there since 17.12 and its like: another number in every copy, and not dumped. */
const SET_OPTIONS = `(
  select pg_catalog.array_agg(option) from pg_catalog.unnest(o.attoptions) option where not pg_catalog.starts_with(option, 'pg_attver='))`;

/** NOT NULL is a constraint with a state of its own since PostgreSQL 18; here it stays a flag of its column. */
const NOT_NULL_NOT_VALID = trueOrNull(`exists (
  select from pg_catalog.pg_constraint k
  where k.conrelid = o.attrelid and k.contype = 'n' and k.conkey = array[o.attnum] and not k.convalidated)`);

/** Defaults, and the expressions of generated columns. */
export const defaultValues: Kind = {
  catalog: 'pg_attrdef',
  from: 'pg_catalog.pg_attrdef o join pg_catalog.pg_class c on c.oid = o.adrelid',
  where: "c.relpersistence <> 't'",
  home: TABLE,
  flags: { expression: simpleExpression('pg_catalog.pg_get_expr(o.adbin, o.adrelid)') },
};

/** Extended statistics. */
export function statistics(version: number): Kind {
  return {
    catalog: 'pg_statistic_ext',
    from: 'pg_catalog.pg_statistic_ext o',
    owner: 'o.stxowner',
    home: { schema: 'o.stxnamespace', catalog: 'pg_statistic_ext', oid: 'o.oid' },
    flags: {
      table: nameOfOid('o.stxrelid', 'regclass'),
      kinds: jsonList(
        'select kind::pg_catalog.text collate pg_catalog."C" from pg_catalog.unnest(o.stxkind) kind order by 1',
      ),
      columns: columnNames('o.stxrelid', 'o.stxkeys'),
      ...(version >= 140000 ? { expressions: trueOrNull('o.stxexprs is not null') } : {}),
      target: 'nullif(o.stxstattarget, -1)',
    },
  };
}
