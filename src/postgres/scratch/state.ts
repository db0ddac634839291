import type { RestoredState } from '../../catalog/inventory.ts';
import type { Server } from '../connection.ts';
import { readDefinitions } from '../inventory/read.ts';
import { countTables } from '../inventory/rows.ts';
import { readSequences } from '../inventory/sequences.ts';
import { Session } from '../session.ts';
import { listTables } from '../tables.ts';

/** Reads the database of `server`, in one transaction that changes nothing. */
export async function readState(
  server: Server,
  fingerprint: 'rows' | 'content',
  onTable: (done: number, total: number) => void,
): Promise<RestoredState> {
  const session = await Session.open(server, 'compare');
  try {
    await session.run('begin isolation level repeatable read read only');
    const definitions = await readDefinitions(session, { content: fingerprint === 'content', notRecorded: [] });
    const tables = await listTables(session);
    const counts = await countTables(session, tables, { fingerprint, onTable });
    const sequences = await readSequences(session);
    await session.close();
    return {
      ...definitions,
      tables: tables
        .filter(({ kind }) => kind === 'r')
        .map(({ oid, schema, name }) => {
          const { rows = null, fingerprint: digest = null } = counts.get(oid) ?? {};
          return { schema, name, rows, fingerprint: digest };
        }),
      sequences: sequences.map(({ schema, name, current }) => ({ schema, name, current })),
    };
  } finally {
    session.kill();
  }
}
