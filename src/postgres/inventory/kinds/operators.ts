import { type Kind, nameOfOid, trueOrNull, wordForLetter } from './kind.ts';

/** An operator without a function is only the promise of a commutator or negator, and not dumped. */
export const operators: Kind = {
  catalog: 'pg_operator',
  from: 'pg_catalog.pg_operator o',
  where: 'o.oprcode <> 0',
  owner: 'o.oprowner',
  home: { schema: 'o.oprnamespace', catalog: 'pg_operator', oid: 'o.oid' },
  flags: {
    function: nameOfOid('o.oprcode', 'regprocedure'),
    commutator: nameOfOid('o.oprcom', 'regoperator'),
    negator: nameOfOid('o.oprnegate', 'regoperator'),
    restrict: nameOfOid('o.oprrest', 'regprocedure'),
    join: nameOfOid('o.oprjoin', 'regprocedure'),
    merges: trueOrNull('o.oprcanmerge'),
    hashes: trueOrNull('o.oprcanhash'),
  },
};

export const operatorFamilies: Kind = {
  catalog: 'pg_opfamily',
  from: 'pg_catalog.pg_opfamily o',
  owner: 'o.opfowner',
  home: { schema: 'o.opfnamespace', catalog: 'pg_opfamily', oid: 'o.oid' },
  flags: {},
};

export const operatorClasses: Kind = {
  catalog: 'pg_opclass',
  from: `pg_catalog.pg_opclass o
    join pg_catalog.pg_opfamily f on f.oid = o.opcfamily
    join pg_catalog.pg_namespace n on n.oid = f.opfnamespace`,
  owner: 'o.opcowner',
  home: { schema: 'o.opcnamespace', catalog: 'pg_opclass', oid: 'o.oid' },
  flags: {
    family: "pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(f.opfname)",
    for: nameOfOid('o.opcintype', 'regtype'),
    stored: nameOfOid('o.opckeytype', 'regtype'),
    default: trueOrNull('o.opcdefault'),
  },
};

const FAMILY = { schema: 'f.opfnamespace', catalog: 'pg_opfamily', oid: 'f.oid' };

/** The operators of the operator families. */
export const familyOperators: Kind = {
  catalog: 'pg_amop',
  from: 'pg_catalog.pg_amop o join pg_catalog.pg_opfamily f on f.oid = o.amopfamily',
  home: FAMILY,
  flags: {
    operator: nameOfOid('o.amopopr', 'regoperator'),
    ordering: trueOrNull("o.amoppurpose = 'o'"),
  },
};

/** The functions of the operator families. */
export const familyFunctions: Kind = {
  catalog: 'pg_amproc',
  from: 'pg_catalog.pg_amproc o join pg_catalog.pg_opfamily f on f.oid = o.amprocfamily',
  home: FAMILY,
  flags: { function: nameOfOid('o.amproc', 'regprocedure') },
};

export const accessMethods: Kind = {
  catalog: 'pg_am',
  from: 'pg_catalog.pg_am o',
  home: { catalog: 'pg_am', oid: 'o.oid' },
  flags: {
    type: wordForLetter('o.amtype', { i: 'index', t: 'table' }),
    handler: nameOfOid('o.amhandler', 'regprocedure'),
  },
};
