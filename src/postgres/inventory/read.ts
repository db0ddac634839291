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
  'server' | 'database' | 'extensions' | 'roles' | 'materializedViews' | 'objects'
> & { largeObjects: Omit<LargeObjectFacts, 'dumped'> };

export interface DefinitionOptions {
  /** Digest the bytes of the large objects too. */
  content: boolean;
  /** Takes, in words, what could not be recorded. */
  notRecorded: string[];
}

/** Reads what the snapshot of the session's transaction holds beside rows. Leaves the session as it was. */
export async function readDefinitions(
  session: Session,
  { content, notRecorded }: DefinitionOptions,
): Promise<Definitions> {
  const cluster = await readCluster(session);
  notRecorded.push(...(await readLeftOut(session)));
  return {
    ...cluster,
    largeObjects: await readLargeObjects(session, { content }),
    materializedViews: await readMaterializedViews(session),
    objects: await readObjects(session, { versionNumber: cluster.server.versionNumber, notRecorded }),
  };
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
