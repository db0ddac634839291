import type { Kind } from './kind.ts';

/** The schema public is always there; its owner, ACL and comment can be changed. */
export const schemas: Kind = {
  catalog: 'pg_namespace',
  from: 'pg_catalog.pg_namespace o',
  owner: 'o.nspowner',
  acl: { items: 'o.nspacl', byDefault: "pg_catalog.acldefault('n', o.nspowner)" },
  home: { schema: 'o.oid', catalog: 'pg_namespace', oid: 'o.oid' },
  flags: {},
};

/**
 * Who owns an extension is not dumped, nor the comment of plpgsql, which every database has. Versions are notices: they
 * stand in the inventory's list of extensions.
 */
export const extensions: Kind = {
  catalog: 'pg_extension',
  from: 'pg_catalog.pg_extension o',
  withoutComment: "o.extname = 'plpgsql'",
  flags: {},
};

/** ALTER DEFAULT PRIVILEGES. Those of a schema only add to the built-in ones (pg_default_acl). */
export const defaultPrivileges: Kind = {
  catalog: 'pg_default_acl',
  from: 'pg_catalog.pg_default_acl o left join pg_catalog.pg_namespace n on n.oid = o.defaclnamespace',
  where: "n.oid is null or n.nspname !~ '^pg_' and n.nspname <> 'information_schema'",
  acl: {
    items: 'o.defaclacl',
    byDefault: `case when o.defaclnamespace = 0
      then pg_catalog.acldefault(
        case o.defaclobjtype when 'S' then 's' else o.defaclobjtype end::pg_catalog."char", o.defaclrole) else '{}' end`,
  },
  flags: {},
};
