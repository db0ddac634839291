import type { RestoredState } from '../../formats/inventory/inventory.ts';
import { readDefinitions } from '../inventory/read.ts';
import { copyCounter } from '../inventory/rows/copy-counter.ts';
import { countTables, countUnderConditions } from '../inventory/rows/count-tables.ts';
import { countExtensionTables } from '../inventory/rows/extension-tables.ts';
import { knownValue, listSequences, readRestoredSequences } from '../inventory/sequences.ts';
import type { Server } from '../session/connection.ts';
import { Session } from '../session/session.ts';
import { listTables } from '../snapshot/tables.ts';
import { findUserCode } from '../snapshot/user-code.ts';

/**
 * Reads the restored database of `server`, which is left as it was: in one transaction that changes nothing, then the
 * sequences. `ours`: the server is a throwaway of this run, on which a user's code has no rights to gain. On others no
 * query reads the tables that have such code.
 */
export async function readState(
  server: Server,
  fingerprint: 'rows' | 'content',
  { ours }: { ours: boolean },
): Promise<RestoredState> {
  const session = await Session.open(server, 'compare');
  try {
    await session.run('begin isolation level repeatable read read only');
    const { notRecorded: _, ...definitions } = await readDefinitions(session, { content: fingerprint === 'content' });
    const tables = await listTables(session);
    const userCode = ours ? new Map<number, string>() : await findUserCode(session);
    const copyRows = await copyCounter(server, session);
    const counts = await countTables(session, tables, { fingerprint, userCode, copyRows });
    const conditionCounts = await countUnderConditions(session, tables, userCode);
    const extensionTables = await countExtensionTables(session, { userCode, copyRows });
    const sequences = await listSequences(session);
    await session.run('commit');
    const values = await readRestoredSequences(session, sequences);
    await session.close();
    return {
      ...definitions,
      tables: tables
        .filter(({ kind }) => kind === 'r')
        .map(({ oid, schema, name }) => {
          const { rows = null, fingerprint: digest = null } = counts.get(oid) ?? {};
          const conditionRows = conditionCounts.get(oid) ?? null;
          return { schema, name, rows, fingerprint: digest, userCode: userCode.get(oid) ?? null, conditionRows };
        }),
      extensionTables,
      sequences: sequences.map(({ oid, schema, name }) => ({ schema, name, current: knownValue(values.get(oid)) })),
    };
  } finally {
    session.kill();
  }
}
