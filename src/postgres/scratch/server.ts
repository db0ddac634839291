import { LifeboatError } from '../../errors.ts';
import type { ToolsetChoice } from '../../inputs/toolset.ts';
import type { ToolContext } from '../../stream/child.ts';
import type { Server } from '../connection.ts';
import { restoringToolset, toolsetPlaces } from '../find-toolset.ts';
import { Session } from '../session.ts';
import { preferLz4, startCluster } from './cluster.ts';
import { serverPrograms } from './programs.ts';

/** A PostgreSQL to restore into. */
export interface ScratchServer {
  /** Connects as its administrator, to the database `postgres`. */
  server: Server;
  session: Session;
  /** `server_version`. */
  version: string;
  versionNumber: number;
  /** Ours alone: made for this test, and gone after it. */
  private: boolean;
  close(): Promise<void>;
}

export interface ScratchOptions {
  /** How to connect to a server that is there already; null: make one. */
  connection: Record<string, string> | null;
  /** Whose programs work in such a server; a private cluster needs this machine's. */
  choice: ToolsetChoice;
  /** Where a private cluster's folder is made. */
  parent: string;
  /** The major versions of the source's server, and of the pg_dump that made the backup. */
  sourceMajor: number;
  clientMajor: number;
  /** Names the sessions. */
  id: string;
  context: ToolContext;
}

/** Starts a private cluster, or connects to the server that was named. */
export async function openScratchServer(options: ScratchOptions): Promise<ScratchServer> {
  const { connection, choice, parent, sourceMajor, clientMajor, id, context } = options;
  if (connection !== null) {
    const toolset = await restoringToolset(toolsetPlaces(choice, connection), clientMajor);
    return connected({ toolset, connection, id, context }, false, sourceMajor, async () => {});
  }
  const toolset = await serverPrograms(sourceMajor, clientMajor);
  const cluster = await startCluster(parent, toolset, context);
  try {
    const server = { toolset, connection: cluster.connection, id, context };
    const scratch = await connected(server, true, sourceMajor, cluster.close);
    await preferLz4(scratch.session);
    return scratch;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

async function connected(
  server: Server,
  isPrivate: boolean,
  sourceMajor: number,
  end: () => Promise<void>,
): Promise<ScratchServer> {
  const session = await Session.open(server, 'admin');
  const [facts] = await session.query<{ version: string; versionNumber: number; superuser: boolean }>(`
    select current_setting('server_version') as version, current_setting('server_version_num')::int as "versionNumber",
      current_setting('is_superuser') = 'on' as superuser`);
  const { version = '', versionNumber = 0, superuser = false } = facts ?? {};
  const close = async () => {
    session.kill();
    await end();
  };
  if (!superuser) {
    session.kill();
    throw new LifeboatError(
      'scratch-url: the role is no superuser. A whole database can only be restored by one: use the service container’s own POSTGRES_USER.',
    );
  }
  if (versionNumber < sourceMajor * 10_000) {
    session.kill();
    throw new LifeboatError(
      `scratch-url: the server is PostgreSQL ${version}, older than the source (${sourceMajor}). A dump restores into the same version or a newer one: use the image postgres:${sourceMajor}.`,
    );
  }
  return { server, session, version, versionNumber, private: isPrivate, close };
}
