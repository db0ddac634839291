import type { Inventory } from '../../formats/inventory/inventory.ts';
import { databaseNameOf } from '../../formats/names.ts';
import type { ScratchServer } from '../scratch/server.ts';
import { CreatedDatabase } from './created-database.ts';
import { applyDatabaseFacts, createDatabase } from './database.ts';
import type { RestoreError } from './errors.ts';
import { loadArchive, type Pick } from './load.ts';
import type { RestoredDatabase } from './restore-into.ts';
import { compareSchemaText } from './schema-text.ts';

/** Where the definitions of a backup come from. */
export interface DefinitionsSource {
  /** The plain bytes of the part `schema`. */
  schema: AsyncIterable<Uint8Array>;
  /** What of it is restored; null: all of it. */
  pick: Pick | null;
  database: Inventory['database'];
}

export interface ComparedDefinitions {
  /** Errors that the restore of the database itself did not have. */
  errors: RestoreError[];
  /** The lines around the first difference; null: they are equal. */
  difference: string | null;
}

/** Restores the part `schema` into an empty twin: what is defined there must be what is defined in the restored database. */
export async function compareWithTwin(
  scratch: ScratchServer,
  restored: RestoredDatabase,
  { schema, pick, database }: DefinitionsSource,
): Promise<ComparedDefinitions> {
  const { session, versionNumber } = scratch;
  const name = databaseNameOf(restored.server.connection.PGDATABASE ?? '', '_twin');
  const twin = { ...scratch.server, connection: { ...restored.server.connection, PGDATABASE: name } };
  const made = new CreatedDatabase(scratch, name);
  let compared: ComparedDefinitions;
  try {
    await createDatabase(session, name, database, versionNumber);
    const { errors } = await loadArchive(twin, schema, { args: [], pick });
    // Settings of the database, such as its time zone, change how pg_dump writes definitions.
    await applyDatabaseFacts(session, name, database);
    const known = new Set(restored.errors.map(({ message }) => message));
    const fresh = errors.filter(({ message }) => !known.has(message));
    compared = { errors: fresh, difference: await compareSchemaText(restored.server, twin) };
  } catch (error) {
    await made.remove(error);
    throw error;
  }
  await made.remove(null);
  return compared;
}
