import type { RoleFacts } from '../../formats/inventory/inventory.ts';
import { quoteIdentifier, quoteLiteral, type Session, SqlError } from '../session/session.ts';

/** What became of the roles of a backup on the server that it is restored into. */
export interface RecreatedRoles {
  /** Roles that were made, to be dropped again where the server goes on living. */
  created: string[];
  /** Roles that were there already: what they may do was left as it was. */
  existing: string[];
  /** What could not be made, in words. */
  notMade: string[];
}

/**
 * Makes the roles of the inventory that the server does not have, without passwords, with their memberships, settings
 * and comments, by statements of our own: `globals.sql` is for people. `onCreated` hears of each at once, because the
 * next statement may throw.
 */
export async function recreateRoles(
  session: Session,
  roles: RoleFacts[],
  versionNumber: number,
  onCreated: (name: string) => void = () => {},
): Promise<RecreatedRoles> {
  const present = new Set(
    (await session.query<{ name: string }>('select rolname as name from pg_catalog.pg_roles')).map(({ name }) => name),
  );
  const created: RoleFacts[] = [];
  const notMade: string[] = [];
  for (const role of roles.filter(({ name }) => !present.has(name))) {
    const refusals = await tryStatement(session, createRole(role), `role ${JSON.stringify(role.name)}`);
    notMade.push(...refusals);
    if (refusals.length > 0) continue;
    created.push(role);
    onCreated(role.name);
  }
  for (const role of created) {
    const statements = [
      ...membershipStatements(role, versionNumber),
      ...roleSettings(role),
      ...commentStatements(role),
    ];
    for (const statement of statements) {
      notMade.push(...(await tryStatement(session, statement, `role ${JSON.stringify(role.name)}`)));
    }
  }
  return {
    created: created.map(({ name }) => name),
    existing: roles.map(({ name }) => name).filter((name) => present.has(name)),
    notMade,
  };
}

/** In the reverse order: of the objects that the roles own in this database nothing is left by then. */
export async function dropRoles(session: Session, created: string[]): Promise<void> {
  for (const name of [...created].reverse()) await session.run(`drop role if exists ${quoteIdentifier(name)}`);
}

/** Attributes that are not named are off; CREATE ROLE's own defaults would leave INHERIT on. */
function createRole({ name, attributes, connectionLimit, validUntil }: RoleFacts): string {
  const words = ALL_ATTRIBUTES.map((word) => (attributes.includes(word) ? word : `NO${word}`));
  const until = validUntil === null ? '' : ` valid until ${quoteLiteral(validUntil)}`;
  return `create role ${quoteIdentifier(name)} ${words.join(' ')} connection limit ${Math.trunc(connectionLimit)}${until}`;
}

const ALL_ATTRIBUTES = ['SUPERUSER', 'CREATEDB', 'CREATEROLE', 'INHERIT', 'LOGIN', 'REPLICATION', 'BYPASSRLS'];

/** Who granted a membership is not kept: since PostgreSQL 16 that role would have to be able to grant it here too. */
function membershipStatements({ name, memberOf }: RoleFacts, versionNumber: number): string[] {
  const granted = new Map<string, RoleFacts['memberOf'][number]>();
  for (const membership of memberOf) {
    const before = granted.get(membership.role);
    granted.set(membership.role, before ? strongerOf(before, membership) : membership);
  }
  return [...granted.values()].map(({ role, admin, inherit, set }) => {
    const options = [
      `admin ${admin === true}`,
      ...(inherit === null ? [] : [`inherit ${inherit === true}`]),
      ...(set === null ? [] : [`set ${set === true}`]),
    ];
    const clause = versionNumber >= 160000 ? ` with ${options.join(', ')}` : admin ? ' with admin option' : '';
    return `grant ${quoteIdentifier(role)} to ${quoteIdentifier(name)}${clause}`;
  });
}

/** Several roles may have granted the same membership (PostgreSQL 16): together they give what any of them gives. */
function strongerOf<T extends RoleFacts['memberOf'][number]>(one: T, other: T): T {
  const either = (a: boolean | null, b: boolean | null) => (a === null ? b : a || b === true);
  return {
    ...one,
    admin: one.admin || other.admin,
    inherit: either(one.inherit, other.inherit),
    set: either(one.set, other.set),
  };
}

function roleSettings({ name, settings }: RoleFacts): string[] {
  return settings.map((setting) => `alter role ${quoteIdentifier(name)} ${setClause(setting)}`);
}

function commentStatements({ name, comment: text }: RoleFacts): string[] {
  return text === null ? [] : [`comment on role ${quoteIdentifier(name)} is ${quoteLiteral(text)}`];
}

/** Settings whose value is a list of names, each quoted by itself (GUC_LIST_QUOTE; dumputils.c). */
const LISTS = [
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
];

/** `SET name TO value` of a `name=value` as pg_db_role_setting holds it. */
export function setClause(setting: string): string {
  const equals = setting.indexOf('=');
  const name = setting.slice(0, equals);
  const value = setting.slice(equals + 1);
  const values = LISTS.includes(name.toLowerCase()) ? splitNames(value) : [value];
  // Names of extensions' settings have dots; each piece is quoted by itself.
  const quoted = name.split('.').map(quoteIdentifier).join('.');
  return `set ${quoted} to ${values.map(quoteLiteral).join(', ')}`;
}

/** Takes apart `"$user", public` into its names. */
function splitNames(list: string): string[] {
  const names = [...list.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,"\s][^,]*?))\s*(?:,|$)/g)];
  if (names.length === 0) return [''];
  return names.map(([, quoted, bare]) => (quoted === undefined ? (bare ?? '') : quoted.replaceAll('""', '"')));
}

/** What the server refuses of one role is reported, and the rest goes on. Returns the refusal in words; none: it was done. */
export async function tryStatement(session: Session, statement: string, what: string): Promise<string[]> {
  try {
    await session.run(statement);
    return [];
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return [`${what}: ${error.message}`];
  }
}
