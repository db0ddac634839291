import { runTool, ToolError } from '../../process/child.ts';
import { KEEP_ALIVE, type Server, toolCommand } from '../session/connection.ts';

/**
 * Roles, their settings and tablespaces as SQL, for people; without password hashes. Null with the reason when this
 * role may not read them. Small, so it is taken whole before anything of it is stored.
 */
export async function dumpGlobals(server: Server): Promise<{ sql: Buffer } | { reason: string }> {
  // As an argument the name would be read as a connection string when it holds `=` (pg_dumpall, -l), so it is one.
  const name = (server.connection.PGDATABASE ?? '').replace(/[\\']/g, '\\$&');
  const args = ['--globals-only', '--no-role-passwords', '--no-password', `--database=dbname='${name}' ${KEEP_ALIVE}`];
  try {
    const sql = await runTool(toolCommand(server, 'pg_dumpall', 'globals', args), server.context);
    return sql.length > 0 ? { sql } : { reason: 'pg_dumpall wrote nothing' };
  } catch (error) {
    if (!(error instanceof ToolError) || server.context.signal.aborted) throw error;
    return { reason: error.stderr.split('\n')[0] ?? 'pg_dumpall failed' };
  }
}
