import type { RoleFacts } from '../../formats/inventory/inventory.ts';
import type { Session } from '../session/session.ts';

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
      : "'inherit', null::bool, 'set', null::bool";
  return session.query<RoleFacts>(`
    select r.rolname as name, array_remove(array[${attributes.join(', ')}], null) as attributes,
      r.rolconnlimit as "connectionLimit", r.rolvaliduntil::text as "validUntil",
      shobj_description(r.oid, 'pg_authid') as comment,
      coalesce((
        select json_agg(
          json_build_object('role', g.rolname, 'grantor', by.rolname, 'admin', m.admin_option, ${options})
          order by g.rolname collate "C", by.rolname collate "C")
        from pg_auth_members m
        join pg_roles g on g.oid = m.roleid
        left join pg_roles by on by.oid = m.grantor
        where m.member = r.oid), '[]') as "memberOf",
      array(
        select setting collate "C" from pg_db_role_setting s, unnest(s.setconfig) setting
        where s.setrole = r.oid and s.setdatabase = 0 order by 1) as settings
    from pg_roles r
    where r.rolname !~ '^pg_'
    order by r.rolname collate "C"`);
}

/** Whether the session has the rights of a superuser. */
export async function isSuperuser(session: Session): Promise<boolean> {
  const [role] = await session.query<{ superuser: boolean }>(
    "select pg_catalog.current_setting('is_superuser') = 'on' as superuser",
  );
  return role?.superuser ?? false;
}
