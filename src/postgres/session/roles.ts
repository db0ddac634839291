import type { RoleFacts } from '../../formats/inventory/inventory.ts';
import type { Session } from './session.ts';

/** The attributes as CREATE ROLE spells them, and pg_roles' columns. */
const ATTRIBUTES = {
  SUPERUSER: 'rolsuper',
  CREATEDB: 'rolcreatedb',
  CREATEROLE: 'rolcreaterole',
  INHERIT: 'rolinherit',
  LOGIN: 'rolcanlogin',
  REPLICATION: 'rolreplication',
  BYPASSRLS: 'rolbypassrls',
};

/**
 * Every role that the server did not bring along (`pg_…`). No password, hashed or not: pg_roles does not show them. An
 * attribute that is not listed is off (`NOLOGIN`). Memberships have their options since PostgreSQL 16.
 */
export function readRoles(session: Session, versionNumber: number): Promise<RoleFacts[]> {
  const attributes = Object.entries(ATTRIBUTES).map(([word, column]) => `case when r.${column} then '${word}' end`);
  const options =
    versionNumber >= 160000
      ? "'inherit', m.inherit_option, 'set', m.set_option"
      : "'inherit', null::pg_catalog.bool, 'set', null::pg_catalog.bool";
  return session.query<RoleFacts>(`
    select r.rolname as name, pg_catalog.array_remove(array[${attributes.join(', ')}], null) as attributes,
      r.rolconnlimit as "connectionLimit", r.rolvaliduntil::pg_catalog.text as "validUntil",
      pg_catalog.shobj_description(r.oid, 'pg_authid') as comment,
      coalesce((
        select pg_catalog.json_agg(
          pg_catalog.json_build_object('role', g.rolname, 'grantor', by.rolname, 'admin', m.admin_option, ${options})
          order by g.rolname collate pg_catalog."C", by.rolname collate pg_catalog."C")
        from pg_catalog.pg_auth_members m
        join pg_catalog.pg_roles g on g.oid = m.roleid
        left join pg_catalog.pg_roles by on by.oid = m.grantor
        where m.member = r.oid), '[]') as "memberOf",
      array(
        select setting collate pg_catalog."C" from pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) setting
        where s.setrole = r.oid and s.setdatabase = 0 order by 1) as settings
    from pg_catalog.pg_roles r
    where r.rolname !~ '^pg_'
    order by r.rolname collate pg_catalog."C"`);
}

/** Whether the session has the rights of a superuser. */
export async function isSuperuser(session: Session): Promise<boolean> {
  const [role] = await session.query<{ superuser: boolean }>(
    "select pg_catalog.current_setting('is_superuser') = 'on' as superuser",
  );
  return role?.superuser ?? false;
}
