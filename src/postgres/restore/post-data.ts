import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { MaterializedViewFacts } from '../../formats/inventory/inventory.ts';
import { inPrivateFolder } from '../../process/private-folder.ts';
import type { Server } from '../session/connection.ts';
import { quoteIdentifier, Session, SqlError } from '../session/session.ts';
import type { RestoreError } from './errors.ts';
import { type Pick, restoreFile } from './load.ts';

/**
 * Builds indexes, constraints and triggers with several processes. pg_restore does that from a file alone: the part
 * `schema`, which holds definitions and no rows, lies in a private one meanwhile. It does not hold the refreshes of
 * materialized views, so these are ours.
 */
export async function buildPostData(
  server: Server,
  definitions: AsyncIterable<Uint8Array>,
  views: MaterializedViewFacts[],
  { jobs, pick }: { jobs: number; pick: Pick | null },
): Promise<RestoreError[]> {
  return inPrivateFolder(server.context, async (folder) => {
    const file = join(folder, 'schema.dump');
    await pipeline(definitions, createWriteStream(file, { mode: 0o600 }), { signal: server.context.signal });
    const errors = await restoreFile(server, file, { args: ['--section=post-data', `--jobs=${jobs}`], pick });
    return [...errors, ...(await refreshViews(server, views))];
  });
}

/** A view may read another one: those that cannot be refreshed yet are tried again after the others. */
async function refreshViews(server: Server, views: MaterializedViewFacts[]): Promise<RestoreError[]> {
  let left = views.filter(({ populated }) => populated);
  if (left.length === 0) return [];
  const session = await Session.open(server, 'restore');
  try {
    for (;;) {
      const failed: { view: MaterializedViewFacts; error: SqlError }[] = [];
      for (const view of left) {
        const error = await refreshOne(session, view);
        if (error !== null) failed.push({ view, error });
      }
      if (failed.length === left.length || failed.length === 0) {
        return failed.map(({ view, error }) => ({
          kind: 'MATERIALIZED VIEW DATA',
          object: `${view.schema}.${view.name}`,
          message: error.message,
        }));
      }
      left = failed.map(({ view }) => view);
    }
  } finally {
    session.kill();
  }
}

async function refreshOne(session: Session, { schema, name }: MaterializedViewFacts): Promise<SqlError | null> {
  try {
    await session.run(`refresh materialized view ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`);
    return null;
  } catch (error) {
    if (error instanceof SqlError) return error;
    throw error;
  }
}
