import type { ToolCommand, ToolContext } from '../../process/child.ts';
import type { Toolset } from '../toolset/toolset.ts';

/** How PostgreSQL's tools are run, and against what. */
export interface Server {
  toolset: Toolset;
  /** PG* variables, complete: nothing else tells a tool where to connect. */
  connection: Record<string, string>;
  /** The backup's id: every session is named `lifeboat-<id>-<role>`, so that people and `abort` find it. */
  id: string;
  context: ToolContext;
}

/** What a session is for, the tail of its application_name. */
export type SessionRole =
  | 'snapshot'
  | 'schema'
  | 'data'
  | 'select'
  | 'globals'
  | 'watch'
  | 'admin'
  | 'restore'
  | 'compare';

/**
 * The environment of a tool: the connection, and of our own only what finding programs and locale needs. The password file
 * and service file of the machine's user are pointed away, for they could silently lead to another database.
 */
export function toolEnvironment(server: Server, role: SessionRole): Record<string, string> {
  const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME } = process.env;
  return {
    PATH,
    ...(HOME === undefined ? {} : { HOME }),
    // Tools speak English, so that their words can be recognised.
    LC_ALL: 'C.UTF-8',
    LANGUAGE: 'C',
    PGPASSFILE: '/nonexistent/lifeboat',
    PGSERVICEFILE: '/nonexistent/lifeboat',
    PGSYSCONFDIR: '/nonexistent/lifeboat',
    ...server.connection,
    PGAPPNAME: applicationName(server.id, role),
  };
}

export function applicationName(id: string, role: SessionRole | ''): string {
  return `lifeboat-${id}-${role}`;
}

/**
 * For a network that is cut without a word: after two minutes of silence a connection counts as lost. The system's own
 * keep-alives take two hours. libpq has no environment variables for these (PostgreSQL, 34.1.2).
 */
export const KEEP_ALIVE = 'keepalives_idle=60 keepalives_interval=15 keepalives_count=4 tcp_user_timeout=120000';

/** A program that connects. The database's name stays in PGDATABASE: as an argument it could be read as more than a name. */
export function connectingTool(
  server: Server,
  tool: 'pg_dump' | 'pg_restore' | 'psql',
  role: SessionRole,
  args: string[],
): ToolCommand {
  return toolCommand(server, tool, role, [`--dbname=${KEEP_ALIVE}`, ...args]);
}

export function toolCommand(
  server: Server,
  tool: 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'psql',
  role: SessionRole,
  args: string[],
): ToolCommand {
  return { name: tool, ...server.toolset.invocation(tool, args, toolEnvironment(server, role)) };
}
