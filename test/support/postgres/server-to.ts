import type { Server } from '../../../src/postgres/session/connection.ts';
import { newestToolset } from '../../../src/postgres/toolset/find-toolset.ts';
import { localToolsets } from '../../../src/postgres/toolset/local-toolsets.ts';
import type { PostgresServer } from '../servers/postgres.ts';

/** The tools of this machine, connected to a database of a test's server. */
export async function serverTo(server: PostgresServer, database: string): Promise<Server> {
  const toolset = await newestToolset([localToolsets]);
  const context = { signal: new AbortController().signal, track: () => () => {} };
  return { toolset, connection: server.env(database), id: 'test', context };
}
