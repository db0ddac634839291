import { LifeboatError } from '../../errors.ts';
import type { Server, SessionRole } from './connection.ts';
import { LoginTriggerRefused } from './errors.ts';
import { beginOwn } from './own-settings.ts';
import { Session } from './session.ts';
import { EVENT_TRIGGERS_OFF, withOptions, withOwnOptions } from './startup-options.ts';

/** A session, and the server as every further connection to it is made. */
export interface Opened {
  session: Session;
  server: Server;
}

/**
 * Opens a session on a server that others use too. Only when its connection is known to be its own does it set anything
 * for longer than a transaction: a transaction pooler would hand the settings to the application.
 */
export async function openChecked(server: Server, role: SessionRole): Promise<Opened> {
  const { session, server: reached } = await passLoginTrigger(server, role);
  try {
    await refuseTransactionPooler(reached, session);
    await session.setOwn();
    return { session, server: await withOwnOptions(reached, session) };
  } catch (error) {
    session.kill();
    throw error;
  }
}

/** A login event trigger that refuses (PostgreSQL 17) does not keep a superuser out. */
async function passLoginTrigger(server: Server, role: SessionRole): Promise<Opened> {
  try {
    return { session: await Session.openUnset(server, role), server };
  } catch (refused) {
    if (!(refused instanceof LoginTriggerRefused)) throw refused;
    const without = withOptions(server, `-c ${EVENT_TRIGGERS_OFF}`);
    try {
      return { session: await Session.openUnset(without, role), server: without };
    } catch {
      throw refused;
    }
  }
}

/**
 * Refuses a transaction pooler (pgbouncer, Supabase's port 6543, Neon's -pooler): pg_dump changes settings of its
 * session, and there a session is shared with the application. Such a pooler gives each transaction a server
 * connection that is free just then; so while a second session takes part, ours changes its backend sooner or later.
 */
async function refuseTransactionPooler(server: Server, session: Session): Promise<void> {
  const other = await Session.openUnset(server, 'watch');
  try {
    const seen = new Set<number>();
    for (let round = 0; round < 3; round++) {
      seen.add(await beginAndAskBackend(session));
      await beginAndAskBackend(other);
      await session.run('commit');
      await other.run('commit');
    }
    if (seen.size > 1) {
      throw new LifeboatError(
        "The connection goes through a transaction pooler: its backend changed from one transaction to the next, so a snapshot and pg_dump's settings would not hold. Give the database's direct address, or the pooler's session mode (for example port 5432 instead of 6543), in database-url.",
      );
    }
  } finally {
    other.kill();
  }
}

async function beginAndAskBackend(session: Session): Promise<number> {
  await session.runTogether(beginOwn(session.versionNumber));
  const [row] = await session.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid');
  return row?.pid ?? 0;
}
