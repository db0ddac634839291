import type { Server } from './connection.ts';
import { isSuperuser } from './roles.ts';
import { Session } from './session.ts';

/**
 * Settings from the start of a connection on, as PGOPTIONS has them: they come before those of the database and the
 * role, for every program. pg_dump and pg_restore set other timeouts themselves, but not the role. Event triggers, those
 * of a login too, and libraries of the session only a superuser can leave out.
 */
export function startupOptions(versionNumber: number, superuser: boolean): string {
  const settings = [
    'role=none',
    'statement_timeout=0',
    'lock_timeout=0',
    'idle_in_transaction_session_timeout=0',
    'default_transaction_isolation=read\\ committed',
    'default_transaction_read_only=off',
    'default_transaction_deferrable=off',
    ...(versionNumber >= 140000 ? ['idle_session_timeout=0'] : []),
    ...(versionNumber >= 170000 ? ['transaction_timeout=0'] : []),
    ...(superuser ? ['session_preload_libraries='] : []),
    ...(superuser && versionNumber >= 170000 ? [EVENT_TRIGGERS_OFF] : []),
  ];
  return settings.map((setting) => `-c ${setting}`).join(' ');
}

export const EVENT_TRIGGERS_OFF = 'event_triggers=off';

/** The server, with these options after those of the user. */
export function withOptions(server: Server, options: string): Server {
  const { PGOPTIONS } = server.connection;
  const all = PGOPTIONS === undefined ? options : `${PGOPTIONS} ${options}`;
  return { ...server, connection: { ...server.connection, PGOPTIONS: all } };
}

/**
 * The server with options of Lifeboat's own for every further connection. A pooler refuses them, also in its session
 * mode: then without, and settings of the database and the role act on pg_dump.
 */
export async function withOwnOptions(server: Server, session: Session): Promise<Server> {
  const options = startupOptions(session.versionNumber, await isSuperuser(session));
  const withThem = withOptions(server, options);
  try {
    (await Session.openUnset(withThem, 'watch')).kill();
    return withThem;
  } catch {
    server.context.signal.throwIfAborted();
    return server;
  }
}
