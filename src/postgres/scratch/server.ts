import { LifeboatError } from '../../errors.ts';
import type { ToolContext } from '../../process/child.ts';
import type { Server } from '../session/connection.ts';
import { type Opened, openChecked } from '../session/pooler.ts';
import { Session } from '../session/session.ts';
import { startupOptions, withOptions } from '../session/startup-options.ts';
import { restoringToolset, toolsetPlaces } from '../toolset/find-toolset.ts';
import type { Toolset, ToolsetChoice } from '../toolset/toolset.ts';
import { preferLz4, type ScratchCluster, startCluster } from './cluster.ts';
import { startContainerCluster } from './container/cluster.ts';
import type { IsolationKind } from './isolation/isolation.ts';
import { serverPrograms } from './programs.ts';
import { sizeLimitOf } from './size-watch.ts';

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

/** One that a restore test uses. */
export interface ThrowawayServer extends ScratchServer {
  /** What stands between the dump's code and this machine; null: it is a server that was named. */
  isolation: IsolationKind | null;
  /** Why we ended the server early; null: we did not. */
  problem(): LifeboatError | null;
}

export interface ScratchOptions {
  /** How to connect to a server that is there already; null: make one. */
  connection: Record<string, string> | null;
  /** Of a throwaway container; null: a private cluster. */
  image: string | null;
  /** Whose programs work in such a server; a private cluster needs this machine's. */
  choice: ToolsetChoice;
  /** Where a private cluster's folder is created; null: a place of our choice. */
  parent: string | null;
  /** Of the dump, in bytes: by it the server's size is bounded. */
  plainSize: number;
  /** The major versions of the source's server, and of the pg_dump that made the backup. */
  sourceMajor: number;
  clientMajor: number;
  /** Names the sessions. */
  id: string;
  context: ToolContext;
}

/** Starts a private cluster, or connects to the server that was named. */
export async function openScratchServer(options: ScratchOptions): Promise<ThrowawayServer> {
  const { connection, choice, sourceMajor, clientMajor, id, context } = options;
  if (connection !== null) {
    const toolset = await restoringToolset(toolsetPlaces(choice, connection), clientMajor);
    return connectedServer({ toolset, connection, id, context }, null, sourceMajor);
  }
  const { cluster, toolset } = await startThrowaway(options);
  try {
    const scratch = await connectedServer(
      { toolset, connection: cluster.connection, id, context },
      cluster,
      sourceMajor,
    );
    await preferLz4(scratch.session);
    return scratch;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

async function startThrowaway(options: ScratchOptions): Promise<{ cluster: ScratchCluster; toolset: Toolset }> {
  const { image, choice, parent, sourceMajor, clientMajor, context } = options;
  const sizeLimit = sizeLimitOf(options.plainSize);
  if (image !== null) {
    const cluster = await startContainerCluster({ image, choice, clientMajor, sizeLimit }, context);
    return { cluster, toolset: cluster.toolset };
  }
  const toolset = await serverPrograms(sourceMajor, clientMajor);
  return { cluster: await startCluster(parent, toolset, context, { sizeLimit }), toolset };
}

/** Settings of the restored database act on no program that works in it. */
async function openPrivate(server: Server): Promise<Opened> {
  const session = await Session.open(server, 'admin');
  return { session, server: withOptions(server, startupOptions(session.versionNumber, true)) };
}

/** `cluster`: the private server that this is; null: it is one that was named. */
async function connectedServer(
  found: Server,
  cluster: Pick<ScratchCluster, 'isolation' | 'problem' | 'close'> | null,
  sourceMajor: number,
): Promise<ThrowawayServer> {
  const { session, server } = cluster === null ? await openChecked(found, 'admin') : await openPrivate(found);
  const { version, versionNumber, superuser } = await readFacts(session);
  const close = async () => {
    session.kill();
    await cluster?.close();
  };
  if (!superuser) {
    session.kill();
    throw new LifeboatError(
      "scratch-url: the role is not a superuser. A whole database can only be restored by one: use the service container's own POSTGRES_USER.",
    );
  }
  if (versionNumber < sourceMajor * 10_000) {
    session.kill();
    throw new LifeboatError(
      `${cluster === null ? 'scratch-url' : 'scratch-image'}: the server is PostgreSQL ${version}, older than the source (${sourceMajor}). A dump restores into the same version or a newer one: use the image postgres:${sourceMajor}.`,
    );
  }
  const isPrivate = cluster !== null;
  const isolation = cluster?.isolation ?? null;
  return {
    server,
    session,
    version,
    versionNumber,
    private: isPrivate,
    isolation,
    problem: cluster?.problem ?? (() => null),
    close,
  };
}

interface ServerFacts {
  version: string;
  versionNumber: number;
  superuser: boolean;
}

async function readFacts(session: Session): Promise<ServerFacts> {
  const [facts] = await session.query<ServerFacts>(`
    select pg_catalog.current_setting('server_version') as version,
      pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as "versionNumber",
      pg_catalog.current_setting('is_superuser') = 'on' as superuser`);
  return facts ?? { version: '', versionNumber: 0, superuser: false };
}
