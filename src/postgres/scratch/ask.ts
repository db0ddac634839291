import type { Server } from '../connection.ts';
import { Session } from '../session.ts';

/** Runs queries of the user's in the restored database: nothing may be changed, and none may take for ever. */
export async function withReadOnlyQueries<T>(
  server: Server,
  timeout: number,
  work: (ask: (sql: string) => Promise<Record<string, unknown>[]>) => Promise<T>,
): Promise<T> {
  const session = await Session.open(server, 'compare');
  try {
    return await work(async (sql) => {
      await session.run('begin read only');
      try {
        await session.run(`set local statement_timeout = ${Math.round(timeout)}`);
        return await session.query<Record<string, unknown>>(sql);
      } finally {
        await session.run('rollback');
      }
    });
  } finally {
    session.kill();
  }
}

/** So many rows are in memory at once. */
const BATCH = 5_000;

/** The rows of one such query, some at a time. Each fetch of them must end within `timeout`. */
export async function* readOnlyRows(
  server: Server,
  timeout: number,
  sql: string,
): AsyncGenerator<Record<string, unknown>[]> {
  const session = await Session.open(server, 'compare');
  try {
    await session.run('begin read only');
    await session.run(`set local statement_timeout = ${Math.round(timeout)}`);
    yield* session.batches<Record<string, unknown>>(sql, BATCH);
  } finally {
    session.kill();
  }
}
