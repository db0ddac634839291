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
