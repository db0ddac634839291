import { jsonList, type Kind, nameOfOid, trueOrNull, withoutQuotes, wordForLetter } from './kind.ts';

/**
 * Functions, procedures, aggregates and window functions; the constructors of a range type are made with it. The body is
 * digested as it is written: it comes back byte by byte, unlike the server's own rendering of a definition. A body that
 * the server has parsed (BEGIN ATOMIC) has no such text.
 */
export const routines: Kind = {
  catalog: 'pg_proc',
  from: 'pg_catalog.pg_proc o',
  where: `not exists (
    select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = o.oid and d.deptype = 'i')`,
  owner: 'o.proowner',
  acl: { items: 'o.proacl', byDefault: "pg_catalog.acldefault('f', o.proowner)" },
  home: { schema: 'o.pronamespace', catalog: 'pg_proc', oid: 'o.oid' },
  flags: {
    window: trueOrNull("o.prokind = 'w'"),
    language: '(select l.lanname from pg_catalog.pg_language l where l.oid = o.prolang)',
    returns: 'pg_catalog.pg_get_function_result(o.oid)',
    arguments: 'pg_catalog.to_json(o.proargnames)::pg_catalog.text',
    modes: 'pg_catalog.to_json(o.proargmodes)::pg_catalog.text',
    defaults: 'nullif(o.pronargdefaults, 0)',
    securityDefiner: trueOrNull('o.prosecdef'),
    leakproof: trueOrNull('o.proleakproof'),
    strict: trueOrNull('o.proisstrict'),
    volatility: wordForLetter('o.provolatile', { i: 'immutable', s: 'stable' }),
    parallel: wordForLetter('o.proparallel', { s: 'safe', r: 'restricted' }),
    cost: 'o.procost',
    rows: 'nullif(o.prorows, 0)',
    support: nameOfOid('o.prosupport', 'regprocedure'),
    transforms: jsonList('select type::pg_catalog.regtype::pg_catalog.text from pg_catalog.unnest(o.protrftypes) type'),
    settings: jsonList(
      `select ${withoutQuotes('item')} collate pg_catalog."C" from pg_catalog.unnest(o.proconfig) item order by 1`,
    ),
    library: 'o.probin',
    body: `case when o.prokind <> 'a' then nullif(
      pg_catalog.hashtextextended(o.prosrc collate pg_catalog."C", 0), pg_catalog.hashtextextended('', 0))::pg_catalog.text end`,
  },
};

export const languages: Kind = {
  catalog: 'pg_language',
  from: 'pg_catalog.pg_language o',
  where: 'o.lanispl',
  owner: 'o.lanowner',
  acl: { items: 'o.lanacl', byDefault: "pg_catalog.acldefault('l', o.lanowner)" },
  home: { catalog: 'pg_language', oid: 'o.oid' },
  flags: {
    trusted: trueOrNull('o.lanpltrusted'),
    handler: nameOfOid('o.lanplcallfoid', 'regprocedure'),
    inline: nameOfOid('o.laninline', 'regprocedure'),
    validator: nameOfOid('o.lanvalidator', 'regprocedure'),
  },
};
