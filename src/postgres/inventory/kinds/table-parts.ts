import { columnNames, jsonList, type Kind, nameOfOid, sortedList, trueOrNull, wordForLetter } from './kind.ts';

const TABLE = { schema: 'c.relnamespace', catalog: 'pg_class', oid: 'c.oid' };

const CONSTRAINT_TYPE = wordForLetter('o.contype', {
  c: 'check',
  f: 'foreign key',
  p: 'primary key',
  u: 'unique',
  x: 'exclusion',
});

/** What is usual, firing in ordinary sessions, is left out. */
const enabled = (letter: string) => wordForLetter(letter, { D: 'disabled', R: 'replica', A: 'always' });

/**
 * Constraints of tables. Those that are made with another object are not here: the foreign keys that a partition has
 * from its parent, whose names a restore chooses anew; constraint triggers, which are triggers; NOT NULL, which is a
 * flag of its column, for before PostgreSQL 18 it is no constraint.
 */
export function constraints(version: number): Kind {
  const action = (letter: string) =>
    wordForLetter(letter, { r: 'restrict', c: 'cascade', n: 'set null', d: 'set default' });
  return {
    catalog: 'pg_constraint',
    from: 'pg_catalog.pg_constraint o join pg_catalog.pg_class c on c.oid = o.conrelid',
    where: `c.relpersistence <> 't'
      and (o.contype in ('c', 'p', 'u', 'x') or o.contype = 'f' and o.conparentid = 0)`,
    home: TABLE,
    flags: {
      type: CONSTRAINT_TYPE,
      columns: `case when o.contype <> 'c' then ${columnNames('o.conrelid', 'o.conkey')} end`,
      references: nameOfOid('o.confrelid', 'regclass'),
      referencedColumns: columnNames('o.confrelid', 'o.confkey'),
      onUpdate: action('o.confupdtype'),
      onDelete: action('o.confdeltype'),
      match: wordForLetter('o.confmatchtype', { f: 'full' }),
      notValid: trueOrNull('not o.convalidated'),
      deferrable: trueOrNull('o.condeferrable'),
      deferred: trueOrNull('o.condeferred'),
      noInherit: trueOrNull("o.contype = 'c' and o.connoinherit"),
      ...(version >= 150000 ? { setColumns: columnNames('o.conrelid', 'o.confdelsetcols') } : {}),
      ...(version >= 180000 ? { notEnforced: trueOrNull('not o.conenforced'), period: trueOrNull('o.conperiod') } : {}),
    },
  };
}

export const domainConstraints: Kind = {
  catalog: 'pg_constraint',
  from: 'pg_catalog.pg_constraint o join pg_catalog.pg_type t on t.oid = o.contypid',
  where: "o.contype = 'c'",
  home: { schema: 't.typnamespace', catalog: 'pg_type', oid: 't.oid' },
  flags: { type: CONSTRAINT_TYPE, notValid: trueOrNull('not o.convalidated') },
};

/**
 * Indexes, also those of constraints. pg_dump leaves out an invalid one (what a failed CREATE INDEX CONCURRENTLY
 * leaves), but for a partitioned index that lacks partitions: getIndexes in pg_dump.c.
 */
export function indexes(version: number): Kind {
  return {
    catalog: 'pg_class',
    from: `pg_catalog.pg_index o
      join pg_catalog.pg_class x on x.oid = o.indexrelid
      join pg_catalog.pg_class c on c.oid = o.indrelid`,
    where: "c.relpersistence <> 't' and (o.indisvalid or x.relkind = 'I') and o.indisready",
    oid: 'o.indexrelid',
    home: TABLE,
    flags: {
      table: nameOfOid('o.indrelid', 'regclass'),
      accessMethod: '(select a.amname from pg_catalog.pg_am a where a.oid = x.relam)',
      columns: columnNames('o.indrelid', 'o.indkey'),
      partial: trueOrNull('o.indpred is not null'),
      unique: trueOrNull('o.indisunique'),
      ...(version >= 150000 ? { nullsNotDistinct: trueOrNull('o.indnullsnotdistinct') } : {}),
      primary: trueOrNull('o.indisprimary'),
      exclusion: trueOrNull('o.indisexclusion'),
      notValid: trueOrNull('not o.indisvalid'),
      replicaIdentity: trueOrNull('o.indisreplident'),
      clustered: trueOrNull('o.indisclustered'),
      parent:
        '(select i.inhparent::pg_catalog.regclass::pg_catalog.text from pg_catalog.pg_inherits i where i.inhrelid = o.indexrelid)',
      options: sortedList('x.reloptions'),
      tablespace: '(select t.spcname from pg_catalog.pg_tablespace t where t.oid = x.reltablespace)',
      statistics: jsonList(`
        select a.attnum::pg_catalog.text || '=' || a.attstattarget::pg_catalog.text from pg_catalog.pg_attribute a
        where a.attrelid = o.indexrelid and a.attstattarget >= 0 order by a.attnum`),
    },
  };
}

/**
 * Triggers that somebody made, and their copies on partitions, which can be enabled by themselves: the server made
 * those, and before PostgreSQL 15 calls them internal.
 */
export function triggers(version: number): Kind {
  const bit = (number: number, name: string) => `case when o.tgtype & ${number} <> 0 then '${name}' end`;
  return {
    catalog: 'pg_trigger',
    from: 'pg_catalog.pg_trigger o join pg_catalog.pg_class c on c.oid = o.tgrelid',
    where: version >= 150000 ? 'not o.tgisinternal' : 'not o.tgisinternal or o.tgparentid <> 0',
    home: TABLE,
    flags: {
      enabled: enabled('o.tgenabled'),
      function: nameOfOid('o.tgfoid', 'regprocedure'),
      // The bits of catalog/pg_trigger.h.
      when: `pg_catalog.concat_ws(' ',
        case when o.tgtype & 64 <> 0 then 'instead of' when o.tgtype & 2 <> 0 then 'before' else 'after' end,
        ${bit(4, 'insert')}, ${bit(8, 'delete')}, ${bit(16, 'update')}, ${bit(32, 'truncate')}, ${bit(1, 'for each row')})`,
      columns: columnNames('o.tgrelid', 'o.tgattr'),
      conditional: trueOrNull('o.tgqual is not null'),
      arguments: "nullif(pg_catalog.encode(o.tgargs, 'escape'), '')",
      deferrable: trueOrNull('o.tgdeferrable'),
      deferred: trueOrNull('o.tginitdeferred'),
      oldTable: 'o.tgoldtable',
      newTable: 'o.tgnewtable',
    },
  };
}

/** Rules but for the one that makes a view a view. */
export const rules: Kind = {
  catalog: 'pg_rewrite',
  from: 'pg_catalog.pg_rewrite o join pg_catalog.pg_class c on c.oid = o.ev_class',
  where: "o.rulename <> '_RETURN'",
  home: TABLE,
  flags: {
    event: wordForLetter('o.ev_type', { 1: 'select', 2: 'update', 3: 'insert', 4: 'delete' }),
    instead: trueOrNull('o.is_instead'),
    enabled: enabled('o.ev_enabled'),
    conditional: trueOrNull("o.ev_qual::pg_catalog.text <> '<>'"),
  },
};

export const policies: Kind = {
  catalog: 'pg_policy',
  from: 'pg_catalog.pg_policy o join pg_catalog.pg_class c on c.oid = o.polrelid',
  home: TABLE,
  flags: {
    command: wordForLetter('o.polcmd', { r: 'select', a: 'insert', w: 'update', d: 'delete' }),
    restrictive: trueOrNull('not o.polpermissive'),
    roles: jsonList(`
      select case role when 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(role)) end collate pg_catalog."C"
      from pg_catalog.unnest(o.polroles) role order by 1`),
    using: trueOrNull('o.polqual is not null'),
    withCheck: trueOrNull('o.polwithcheck is not null'),
  },
};

export const eventTriggers: Kind = {
  catalog: 'pg_event_trigger',
  from: 'pg_catalog.pg_event_trigger o',
  owner: 'o.evtowner',
  home: { catalog: 'pg_event_trigger', oid: 'o.oid' },
  flags: {
    event: 'o.evtevent',
    tags: sortedList('o.evttags'),
    function: nameOfOid('o.evtfoid', 'regprocedure'),
    enabled: enabled('o.evtenabled'),
  },
};
