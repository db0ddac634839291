import type { Inventory, LargeObjectFacts } from '../../formats/inventory/inventory.ts';
import { readRoles } from '../session/roles.ts';
import type { Session } from '../session/session.ts';
import { readDatabase, readExtensions, readServer } from './database.ts';
import { readLargeObjects } from './large-objects.ts';
import { readLeftOut } from './left-out.ts';
import { readMaterializedViews } from './materialized-views.ts';
import { readObjects } from './objects.ts';
import { withFixedSettings } from './savepoint.ts';

/** All of the inventory but what needs the dump: rows, sequences, and whether the archive holds the large objects. */
export type Definitions = Pick<
  Inventory,
  'server' | 'database' | 'extensions' | 'roles' | 'materializedViews' | 'objects' | 'notRecorded'
> & { largeObjects: Omit<LargeObjectFacts, 'dumped'> };

export interface DefinitionOptions {
  /** Digest the bytes of the large objects too. */
  content: boolean;
}

/** Reads what the snapshot of the session's transaction holds beside rows. Leaves the session as it was. */
export async function readDefinitions(session: Session, { content }: DefinitionOptions): Promise<Definitions> {
  const cluster = await readCluster(session);
  const leftOut = await readLeftOut(session);
  const largeObjects = await readLargeObjects(session, { content });
  const materializedViews = await readMaterializedViews(session);
  const { objects, notRecorded } = await readObjects(session, cluster.server.versionNumber);
  return { ...cluster, largeObjects, materializedViews, objects, notRecorded: [...leftOut, ...notRecorded] };
}

function readCluster(session: Session) {
  return withFixedSettings(session, 'the definitions', async () => {
    const server = await readServer(session);
    return {
      server,
      database: await readDatabase(session, server.versionNumber),
      extensions: await readExtensions(session),
      roles: await readRoles(session, server.versionNumber),
    };
  });
}
