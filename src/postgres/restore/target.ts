import { LifeboatError } from '../../errors.ts';
import {
  type DatabaseFacts,
  type Inventory,
  type ObjectFacts,
  type RoleFacts,
  textsOf,
} from '../../formats/inventory/inventory.ts';
import type { ToolContext } from '../../process/child.ts';
import type { ScratchServer } from '../scratch/server.ts';
import { readLoginTriggers } from '../session/login-triggers.ts';
import { openChecked } from '../session/pooler.ts';
import { quoteLiteral, type Session } from '../session/session.ts';
import { restoringToolset, toolsetPlaces } from '../toolset/find-toolset.ts';
import type { ToolsetChoice } from '../toolset/toolset.ts';

/** The server that a backup is restored to for good, seen from its maintenance database. */
export interface RestoreTarget extends ScratchServer {
  /** A database of the name that is to be restored is there. */
  exists: boolean;
  roles: Set<string>;
  extensions: Set<string>;
  databases: Set<string>;
  /** What is bound to the present database and does not follow a swap: logical slots, subscriptions, in words. */
  bound: string[];
  /** Lines about login event triggers of the database `postgres`. */
  loginTriggers: string[];
}

export interface TargetOptions {
  connection: Record<string, string>;
  choice: ToolsetChoice;
  /** The major version of the pg_dump that made the backup. */
  clientMajor: number;
  /** Names the sessions. */
  id: string;
  context: ToolContext;
}

/** Connects to the maintenance database of the server that `connection` names: a restore never works inside its target. */
export async function openRestoreTarget({
  connection,
  choice,
  clientMajor,
  id,
  context,
}: TargetOptions): Promise<RestoreTarget> {
  const database = connection.PGDATABASE ?? '';
  const toolset = await restoringToolset(toolsetPlaces(choice, connection), clientMajor);
  const maintenance = { toolset, connection: { ...connection, PGDATABASE: 'postgres' }, id, context };
  const { session, server } = await openChecked(maintenance, 'admin');
  try {
    const [facts] = await session.query<Pick<RestoreTarget, 'version' | 'versionNumber'> & { superuser: boolean }>(`
      select pg_catalog.current_setting('server_version') as version,
        pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as "versionNumber",
        pg_catalog.current_setting('is_superuser') = 'on' as superuser`);
    if (!facts?.superuser) {
      throw new LifeboatError(
        `database-url: role ${JSON.stringify(connection.PGUSER)} is no superuser. Owners, grants and extensions of a whole database can only be restored by one.`,
      );
    }
    const names = async (query: string) =>
      new Set((await session.query<{ name: string }>(query)).map(({ name }) => name));
    const databases = await names('select datname as name from pg_catalog.pg_database');
    return {
      server,
      session,
      version: facts.version,
      versionNumber: facts.versionNumber,
      private: false,
      close: async () => session.kill(),
      exists: databases.has(database),
      databases,
      roles: await names('select rolname as name from pg_catalog.pg_roles'),
      extensions: await names('select name from pg_catalog.pg_available_extensions'),
      bound: await readBound(session, database),
      loginTriggers: await readLoginTriggers(session),
    };
  } catch (error) {
    session.kill();
    throw error;
  }
}

/** Slots and subscriptions belong to a database by its oid, so they stay with the old one. */
async function readBound(session: Session, database: string): Promise<string[]> {
  const bound = await session.query<{ text: string }>(`
    select 'logical replication slot ' || slot_name::pg_catalog.text as text from pg_catalog.pg_replication_slots
      where database = ${quoteLiteral(database)}
    union all
    select 'subscription ' || subname::pg_catalog.text from pg_catalog.pg_subscription s join pg_catalog.pg_database d on d.oid = s.subdbid
      where d.datname = ${quoteLiteral(database)}`);
  return bound.map(({ text }) => text);
}

/** What the target lacks of what the backup needs; told before anything is loaded. */
export interface Lacking {
  /** Owners and grantees: without them the backup cannot be restored as it was. */
  roles: string[];
  /** Roles that have their rights from these alone, by membership: those with which an application logs in, often. */
  members: string[];
  extensions: string[];
  older: boolean;
}

export function lackingOf(
  target: Pick<RestoreTarget, 'roles' | 'extensions' | 'versionNumber'>,
  inventory: Inventory,
): Lacking {
  const needed = new Set([...ownersAndGrantees(inventory)]);
  const members = membersOf(needed, inventory);
  const missing = inventory.roles.map(({ name }) => name).filter((name) => !target.roles.has(name));
  return {
    roles: missing.filter((name) => needed.has(name)),
    members: missing.filter((name) => members.has(name)),
    extensions: inventory.extensions.map(({ name }) => name).filter((name) => !target.extensions.has(name)),
    older: Math.floor(target.versionNumber / 10_000) < Math.floor(inventory.server.versionNumber / 10_000),
  };
}

/** The roles that are members of these, or of one of their members, and not among them. */
function membersOf(these: Set<string>, { roles }: Inventory): Set<string> {
  const members = new Set<string>();
  const isMember = ({ name, memberOf }: RoleFacts) =>
    !these.has(name) && !members.has(name) && memberOf.some(({ role }) => these.has(role) || members.has(role));
  for (let found = roles.filter(isMember); found.length > 0; found = roles.filter(isMember)) {
    for (const { name } of found) members.add(name);
  }
  return members;
}

/** The roles that something in the database belongs or is granted to. */
function* ownersAndGrantees({ database, objects, extensions, roles }: Inventory): Generator<string> {
  const known = roles.map(({ name }) => name);
  yield database.owner;
  for (const { owner } of extensions) yield owner;
  for (const { role } of database.settings) if (role !== null) yield role;
  yield* granteesOf(database.acl, known);
  for (const object of objects) {
    if (object.owner !== null) yield object.owner;
    yield* granteesOf(object.acl, known);
    for (const name of known) if (isNamedBy(object, name)) yield name;
  }
}

/** Default privileges, policies and user mappings are for roles. */
function isNamedBy({ type, identity, flags }: ObjectFacts, role: string): boolean {
  if (type === 'default acl') return identity.includes(role);
  if (type === 'user mapping') return identity.startsWith(`${role} on server `);
  if (type !== 'policy') return false;
  const roles = textsOf(flags.roles);
  // As quote_ident writes it, which is not how a statement of ours would.
  return roles.includes(role) || roles.includes(`"${role.replaceAll('"', '""')}"`);
}

function granteesOf(acl: DatabaseFacts['acl'], known: string[]): string[] {
  const items = (acl ?? []).join('\n');
  return known.filter((name) => items.includes(name));
}
