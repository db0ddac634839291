import type { Server } from '../session/connection.ts';
import { Session } from '../session/session.ts';

/** Runs queries of the user's in the restored database: nothing may be changed, and none may take for ever. */
export async function withReadOnlyQueries<T>(
  server: Server,
  timeout: number,
  work: (query: (sql: string) => Promise<Record<string, unknown>[]>) => Promise<T>,
): Promise<T> {
  const session = await Session.openUnset(server, 'compare');
  try {
    return await work(async (sql) => {
      await session.runTogether(beginReadOnly(session.versionNumber, timeout));
      try {
        return await session.queryForeign<Record<string, unknown>>(sql);
      } finally {
        await session.run('rollback');
      }
    });
  } finally {
    session.kill();
  }
}

/** With the search_path that the user has set; of other settings only timeouts are Lifeboat's own. */
function beginReadOnly(versionNumber: number, timeout: number): string[] {
  return [
    'begin read only',
    `set local statement_timeout = ${Math.round(timeout)}`,
    'set local lock_timeout = 0',
    'set local idle_in_transaction_session_timeout = 0',
    ...(versionNumber >= 170000 ? ['set local transaction_timeout = 0'] : []),
  ];
}

/** So many rows are in memory at once. */
const BATCH = 5_000;

/** The rows of one such query, some at a time. Each fetch of them must end within `timeout`. */
export async function* readOnlyRows(
  server: Server,
  timeout: number,
  sql: string,
): AsyncGenerator<Record<string, unknown>[]> {
  const session = await Session.openUnset(server, 'compare');
  try {
    await session.runTogether(beginReadOnly(session.versionNumber, timeout));
    yield* session.foreignBatches<Record<string, unknown>>(sql, BATCH);
  } finally {
    session.kill();
  }
}
