import { LeftBehind } from '../../errors.ts';
import type { ScratchServer } from '../scratch/server.ts';
import { Session, SqlError } from '../session/session.ts';
import { dropDatabase } from './database.ts';
import { dropRoles } from './roles.ts';

/** Milliseconds. The runner gives a cancelled step 10 s, of which tools that do not end at once have taken some. */
const WITHIN = 5_000;

/** SQLSTATEs of a database that somebody else has just made: duplicate_database, and unique_violation at the same moment. */
const NOT_OURS = ['42P04', '23505'];

/** A database of ours on a server: what becomes of it must be said. A private server goes as a whole, and takes it along. */
export class CreatedDatabase {
  /** It stays, and that is said elsewhere: from here on it is not left behind. */
  readonly keep: () => void;
  readonly #scratch: ScratchServer;
  readonly #name: string;
  /** The roles that were made for it. */
  readonly #roles: string[] = [];

  /** To be called before it is made: the `post:` step names it when this process is killed. */
  constructor(scratch: ScratchServer, name: string) {
    this.#scratch = scratch;
    this.#name = name;
    const { connection, context } = scratch.server;
    const host = connection.PGHOST ?? 'the default socket';
    this.keep = scratch.private ? () => {} : context.track({ kind: 'database', database: name, host });
  }

  addRole(name: string): void {
    this.#roles.push(name);
  }

  /**
   * Drops it, and the roles that were made for it. Throws a {@link LeftBehind} when that fails; `cause` is what went
   * wrong before, null for nothing.
   */
  async remove(cause: unknown): Promise<void> {
    if (this.#scratch.private) return;
    try {
      await this.#inSession(async (session) => {
        if (!isAnothers(cause)) await dropDatabase(session, this.#name);
        await dropRoles(session, this.#roles);
      });
    } catch {
      throw new LeftBehind(this.#described(), cause);
    } finally {
      this.keep();
    }
  }

  /** The server's own session may be gone, and a cancellation has ended it: then it is done in another one. */
  async #inSession(work: (session: Session) => Promise<void>): Promise<void> {
    const { server, session } = this.#scratch;
    const { signal, track } = server.context;
    if (!signal.aborted && (await settlesWell(work(session)))) return;
    const context = { track, signal: signal.aborted ? AbortSignal.timeout(WITHIN) : signal };
    const another = await Session.open({ ...server, context }, 'admin');
    try {
      await work(another);
    } finally {
      another.kill();
    }
  }

  #described(): string {
    const roles = this.#roles.map((name) => JSON.stringify(name)).join(', ');
    const also = this.#roles.length === 0 ? '' : `, and the roles that were made for it: ${roles}`;
    return `Left behind on the server, to be dropped by hand: database ${JSON.stringify(this.#name)}${also}.`;
  }
}

function isAnothers(cause: unknown): boolean {
  return cause instanceof SqlError && NOT_OURS.includes(cause.sqlstate);
}

function settlesWell(work: Promise<void>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
