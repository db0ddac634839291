import { type Kind, nameOfOid, optionNames } from './kind.ts';

/** Of options only the names are read: a value can be a password. */
export const foreignDataWrappers: Kind = {
  catalog: 'pg_foreign_data_wrapper',
  from: 'pg_catalog.pg_foreign_data_wrapper o',
  owner: 'o.fdwowner',
  acl: { items: 'o.fdwacl', byDefault: "pg_catalog.acldefault('F', o.fdwowner)" },
  home: { catalog: 'pg_foreign_data_wrapper', oid: 'o.oid' },
  flags: {
    handler: nameOfOid('o.fdwhandler', 'regprocedure'),
    validator: nameOfOid('o.fdwvalidator', 'regprocedure'),
    options: optionNames('o.fdwoptions'),
  },
};

export const foreignServers: Kind = {
  catalog: 'pg_foreign_server',
  from: 'pg_catalog.pg_foreign_server o',
  owner: 'o.srvowner',
  acl: { items: 'o.srvacl', byDefault: "pg_catalog.acldefault('S', o.srvowner)" },
  home: { catalog: 'pg_foreign_server', oid: 'o.oid' },
  flags: {
    wrapper: '(select w.fdwname from pg_catalog.pg_foreign_data_wrapper w where w.oid = o.srvfdw)',
    type: 'o.srvtype',
    version: 'o.srvversion',
    options: optionNames('o.srvoptions'),
  },
};

/** The view may be read by everyone, the table may not. */
export const userMappings: Kind = {
  catalog: 'pg_user_mapping',
  from: 'pg_catalog.pg_user_mappings o',
  oid: 'o.umid',
  flags: {},
};
