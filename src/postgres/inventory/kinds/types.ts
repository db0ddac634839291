import { jsonList, type Kind, nameOfOid, simpleExpression, trueOrNull, wordForLetter } from './kind.ts';

/**
 * Composite, domain, enum, range, base and shell types. Made with another object, and dumped with it: the row type of
 * a table, the array of a type, the multirange of a range (selectDumpableType in pg_dump.c).
 */
export function types(version: number): Kind {
  return {
    catalog: 'pg_type',
    from: 'pg_catalog.pg_type o left join pg_catalog.pg_range r on r.rngtypid = o.oid',
    where: `o.typtype <> 'm'
      and (o.typrelid = 0 or exists (select from pg_catalog.pg_class c where c.oid = o.typrelid and c.relkind = 'c'))
      and not exists (select from pg_catalog.pg_type e where e.oid = o.typelem and e.typarray = o.oid)`,
    owner: 'o.typowner',
    acl: { items: 'o.typacl', byDefault: "pg_catalog.acldefault('T', o.typowner)" },
    home: { schema: 'o.typnamespace', catalog: 'pg_type', oid: 'o.oid' },
    flags: {
      kind: `case when not o.typisdefined then 'shell' else ${wordForLetter('o.typtype', { b: 'base', c: 'composite', d: 'domain', e: 'enum', r: 'range' })} end`,
      labels: jsonList(
        'select e.enumlabel from pg_catalog.pg_enum e where e.enumtypid = o.oid order by e.enumsortorder',
      ),
      base: "case o.typtype when 'd' then pg_catalog.format_type(o.typbasetype, o.typtypmod) end",
      notNull: trueOrNull('o.typnotnull'),
      default: `case o.typtype when 'd' then ${simpleExpression("pg_catalog.pg_get_expr(o.typdefaultbin, 'pg_catalog.pg_type'::pg_catalog.regclass)")} end`,
      collation: `case o.typtype when 'd' then (
        select ${nameOfOid('o.typcollation', 'regcollation')} from pg_catalog.pg_type b
        where b.oid = o.typbasetype and b.typcollation <> o.typcollation) end`,
      subtype: nameOfOid('r.rngsubtype', 'regtype'),
      subtypeCollation: nameOfOid('r.rngcollation', 'regcollation'),
      canonical: nameOfOid('r.rngcanonical', 'regprocedure'),
      difference: nameOfOid('r.rngsubdiff', 'regprocedure'),
      ...(version >= 140000 ? { multirange: MULTIRANGE } : {}),
      length: "case o.typtype when 'b' then o.typlen end",
      category: "case o.typtype when 'b' then o.typcategory end",
      input: `case o.typtype when 'b' then ${nameOfOid('o.typinput', 'regprocedure')} end`,
      output: `case o.typtype when 'b' then ${nameOfOid('o.typoutput', 'regprocedure')} end`,
    },
  };
}

/** The name of a range's multirange when it is not what CREATE TYPE makes of the range's (makeMultirangeTypeName). */
const MULTIRANGE = `(
  select m.typname from pg_catalog.pg_type m
  where m.oid = r.rngmultitypid and m.typname <> pg_catalog."left"(case
    when o.typname like '%range%' then pg_catalog.regexp_replace(o.typname::pg_catalog.text, 'range', 'multirange')
    else o.typname::pg_catalog.text || '_multirange' end, 63))`;

/** Before PostgreSQL 15 the locale of an ICU collation stood in the columns for libc. */
export function collations(version: number): Kind {
  const icu = version >= 170000 ? 'o.colllocale' : version >= 150000 ? 'o.colliculocale' : 'o.collcollate';
  const ofLibc = (column: string) => `case o.collprovider when 'c' then ${column} end`;
  return {
    catalog: 'pg_collation',
    from: 'pg_catalog.pg_collation o',
    owner: 'o.collowner',
    home: { schema: 'o.collnamespace', catalog: 'pg_collation', oid: 'o.oid' },
    flags: {
      provider: wordForLetter('o.collprovider', { c: 'libc', i: 'icu', b: 'builtin' }),
      nondeterministic: trueOrNull('not o.collisdeterministic'),
      collate: ofLibc('o.collcollate'),
      ctype: ofLibc('o.collctype'),
      locale: `case when o.collprovider <> 'c' then ${icu} end`,
      ...(version >= 160000 ? { rules: 'o.collicurules' } : {}),
    },
  };
}

export const conversions: Kind = {
  catalog: 'pg_conversion',
  from: 'pg_catalog.pg_conversion o',
  owner: 'o.conowner',
  home: { schema: 'o.connamespace', catalog: 'pg_conversion', oid: 'o.oid' },
  flags: {
    from: 'pg_catalog.pg_encoding_to_char(o.conforencoding)',
    to: 'pg_catalog.pg_encoding_to_char(o.contoencoding)',
    // Its arguments changed in PostgreSQL 14.
    function: 'o.conproc::pg_catalog.regproc::pg_catalog.text',
    default: trueOrNull('o.condefault'),
  },
};

/** Since PostgreSQL 14 a range type has a cast to its multirange, made with it. */
export function casts(version: number): Kind {
  const made =
    'exists (select from pg_catalog.pg_range r where r.rngtypid = o.castsource and r.rngmultitypid = o.casttarget)';
  return {
    catalog: 'pg_cast',
    from: 'pg_catalog.pg_cast o',
    ...(version >= 140000 ? { where: `not ${made}` } : {}),
    home: { catalog: 'pg_cast', oid: 'o.oid' },
    flags: {
      context: wordForLetter('o.castcontext', { a: 'assignment', i: 'implicit' }),
      method: wordForLetter('o.castmethod', { b: 'binary', i: 'inout' }),
      function: nameOfOid('o.castfunc', 'regprocedure'),
    },
  };
}

/** PostgreSQL 16 took a word out of the identity. */
export const transforms: Kind = {
  catalog: 'pg_transform',
  identity: "pg_catalog.replace(i.identity, ' on language ', ' language ')",
  from: 'pg_catalog.pg_transform o',
  home: { catalog: 'pg_transform', oid: 'o.oid' },
  flags: { from: nameOfOid('o.trffromsql', 'regprocedure'), to: nameOfOid('o.trftosql', 'regprocedure') },
};
