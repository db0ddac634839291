import type { ToolsetChoice } from '../inputs/toolset.ts';
import type { ToolContext } from '../stream/child.ts';
import type { Server } from './connection.ts';
import { chooseToolset, newestToolset, toolsetPlaces } from './find-toolset.ts';
import { refuseTransactionPooler } from './pooler.ts';
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
    /** Bytes, pg_database_size. */
    databaseSize: number;
  };
}

/** Connects, and finds the pg_dump that fits the server. Any psql can ask which that is. */
export async function connect(
  connection: Record<string, string>,
  choice: ToolsetChoice,
  id: string,
  context: ToolContext,
): Promise<Connected> {
  const places = toolsetPlaces(choice, connection);
  const asking: Server = { toolset: await newestToolset(places), connection, id, context };
  const session = await Session.open(asking, 'snapshot');
  try {
    const facts = await readFacts(session);
    const toolset = await chooseToolset(places, Math.floor(facts.versionNumber / 10000), facts.version);
    await refuseTransactionPooler(asking, session);
    // The connection is ours alone, so a setting of the session harms nobody. It idles while stores are opened.
    if (facts.versionNumber >= 140000) await session.run('set idle_session_timeout = 0');
    return { server: { ...asking, toolset }, session, facts };
  } catch (error) {
    session.kill();
    throw error;
  }
}

async function readFacts(session: Session): Promise<Connected['facts']> {
  const [facts] = await session.query<Connected['facts']>(`
    select current_database() as database, current_setting('server_version') as version,
      current_setting('server_version_num')::int as "versionNumber", pg_is_in_recovery() as standby,
      pg_database_size(current_database()) as "databaseSize"`);
  if (!facts) throw new Error('The server answered nothing about itself.');
  return facts;
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
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'lifeboat-${server.id}-%' and pid <> pg_backend_pid()`,
    );
  } finally {
    session.kill();
  }
}
