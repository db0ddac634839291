import type { ToolContext } from '../../process/child.ts';
import { chooseToolset, newestToolset, toolsetPlaces } from '../toolset/find-toolset.ts';
import type { ToolsetChoice } from '../toolset/toolset.ts';
import type { Server } from './connection.ts';
import { readLoginTriggers } from './login-triggers.ts';
import { openChecked } from './pooler.ts';
import { Session } from './session.ts';

/** A server that answered, with the tools that fit it and one session to work in. */
export interface Connected {
  server: Server;
  session: Session;
  facts: {
    database: string;
    /** `server_version`. */
    version: string;
    /** `server_version_num`, 150018. */
    versionNumber: number;
    standby: boolean;
    encoding: string;
    /** Bytes, pg_database_size. */
    databaseSize: number;
    /** Lines about login event triggers. */
    loginTriggers: string[];
  };
}

/** Connects, and finds the pg_dump that fits the server. Any psql can ask which that is. */
export async function connectServer(
  connection: Record<string, string>,
  choice: ToolsetChoice,
  id: string,
  context: ToolContext,
): Promise<Connected> {
  const places = toolsetPlaces(choice, connection);
  const asking: Server = { toolset: await newestToolset(places), connection, id, context };
  const { session, server } = await openChecked(asking, 'snapshot');
  try {
    const facts = await readFacts(session);
    const toolset = await chooseToolset(places, Math.floor(facts.versionNumber / 10000), facts.version);
    // pg_dump writes in its session's encoding, which a database can set to one that does not hold all that is in it.
    const dumping = { ...server.connection, PGCLIENTENCODING: facts.encoding };
    return { server: { ...server, connection: dumping, toolset }, session, facts };
  } catch (error) {
    session.kill();
    throw error;
  }
}

async function readFacts(session: Session): Promise<Connected['facts']> {
  const [facts] = await session.query<Omit<Connected['facts'], 'loginTriggers'>>(`
    select pg_catalog.current_database() as database, pg_catalog.current_setting('server_version') as version,
      pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as "versionNumber",
      pg_catalog.pg_is_in_recovery() as standby, pg_catalog.current_setting('server_encoding') as encoding,
      pg_catalog.pg_database_size(pg_catalog.current_database()) as "databaseSize"`);
  if (!facts) throw new Error('The server answered nothing about itself.');
  return { ...facts, loginTriggers: await readLoginTriggers(session) };
}

/**
 * Ends the backends of an aborted run: a backend that works for a client that is gone would keep its locks until the
 * statement ends. Best effort within 3 s, for a cancelled run has little time.
 */
export async function endBackends(server: Server): Promise<void> {
  const context = { signal: AbortSignal.timeout(3_000), track: server.context.track };
  const session = await Session.open({ ...server, context }, 'watch');
  try {
    await session.run(
      `select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where application_name like 'lifeboat-${server.id}-%' and pid <> pg_catalog.pg_backend_pid()`,
    );
  } finally {
    session.kill();
  }
}
