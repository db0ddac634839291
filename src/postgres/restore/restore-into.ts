import type { Inventory } from '../../formats/inventory/inventory.ts';
import type { ScratchServer } from '../scratch/server.ts';
import type { Server } from '../session/connection.ts';
import { quoteLiteral } from '../session/session.ts';
import { CreatedDatabase } from './created-database.ts';
import { applyDatabaseFacts, createDatabase } from './database.ts';
import type { RestoreError } from './errors.ts';
import { loadArchive, type Pick } from './load.ts';
import { buildPostData } from './post-data.ts';
import { recreateRoles } from './roles.ts';
import { removeTemplateObjects } from './template-objects.ts';

/** A database that a backup was restored into. */
export interface RestoredDatabase {
  /** Connects to it. */
  server: Server;
  made: CreatedDatabase;
  errors: RestoreError[];
  /** Extensions of the source that the server does not have. */
  lacking: string[];
  /** Roles of the source that were not made: what the server has of their names was left as it is. */
  existingRoles: string[];
  /** Roles and facts of the database that could not be made, in words. */
  notMade: string[];
}

export interface RestoreOptions {
  database: string;
  inventory: Inventory;
  /** The roles to make where the server has none of the name. */
  roles: Inventory['roles'];
  /** The plain bytes of the part `data`. */
  archive: AsyncIterable<Uint8Array>;
  /** The plain bytes of the part `schema`: definitions, no rows. Read only when there are several jobs. */
  definitions: AsyncIterable<Uint8Array>;
  /** How many processes build indexes and constraints. */
  jobs: number;
  /** What of both archives is restored; null: all of it. */
  pick: Pick | null;
  onBytes(bytes: number): void;
}

/**
 * Restores a backup into a new database: roles first, for objects belong to them; then the archive; then what belongs to
 * the database itself. Leaves nothing behind when it throws, or throws a {@link LeftBehind}.
 */
export async function restoreInto(scratch: ScratchServer, options: RestoreOptions): Promise<RestoredDatabase> {
  const { session, versionNumber } = scratch;
  const { database, inventory } = options;
  const connection = { ...scratch.server.connection, PGDATABASE: database };
  // As the source's pg_dump has it: the restored database may set another one for its sessions.
  const server = { ...scratch.server, connection: { ...connection, PGCLIENTENCODING: inventory.database.encoding } };
  const made = new CreatedDatabase(scratch, database);
  try {
    const onCreated = (name: string) => made.addRole(name);
    const { created, notMade } = await recreateRoles(session, options.roles, versionNumber, onCreated);
    const notCreated = await createDatabase(session, database, inventory.database, versionNumber);
    const lacking = await lackingExtensions(scratch, inventory);
    const notRemoved = await removeTemplateObjects(server, inventory);
    const errors = await loadData(server, options);
    const notApplied = await applyDatabaseFacts(session, database, inventory.database);
    const existingRoles = inventory.roles.map(({ name }) => name).filter((name) => !created.includes(name));
    return {
      server,
      made,
      errors,
      lacking,
      existingRoles,
      notMade: [...notMade, ...notCreated, ...notRemoved, ...notApplied],
    };
  } catch (error) {
    await made.remove(error);
    throw error;
  }
}

/**
 * One pg_restore does it all, as the archive has it; with several jobs it stops before indexes and constraints, which
 * are then built side by side.
 */
async function loadData(server: Server, options: RestoreOptions): Promise<RestoreError[]> {
  const { archive, definitions, inventory, onBytes, jobs, pick } = options;
  if (jobs === 1) return (await loadArchive(server, archive, { args: [], pick, onBytes })).errors;
  const { errors } = await loadArchive(server, archive, {
    args: ['--section=pre-data', '--section=data'],
    pick,
    onBytes,
  });
  return [...errors, ...(await buildPostData(server, definitions, inventory.materializedViews, { jobs, pick }))];
}

async function lackingExtensions({ session }: ScratchServer, { extensions }: Inventory): Promise<string[]> {
  if (extensions.length === 0) return [];
  const names = extensions.map(({ name }) => quoteLiteral(name)).join(', ');
  const available = await session.query<{ name: string }>(
    `select name from pg_catalog.pg_available_extensions where name in (${names})`,
  );
  const here = new Set(available.map(({ name }) => name));
  return extensions.map(({ name }) => name).filter((name) => !here.has(name));
}
