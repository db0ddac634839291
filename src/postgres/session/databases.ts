import type { ServerDatabase } from '../../formats/inventory/databases.ts';
import type { Session } from './session.ts';

/** Every database of the server, in the order of their names. */
export function listDatabases(session: Session): Promise<ServerDatabase[]> {
  // -2 marks one whose DROP DATABASE was interrupted (pg_database.h, DATCONNLIMIT_INVALID_DB).
  return session.query<ServerDatabase>(`
    select datname as name,
      case when datistemplate then 'is a template'
        when not datallowconn then 'allows no connections'
        when datconnlimit = -2 then 'is what an interrupted DROP DATABASE has left'
      end as refuses
    from pg_catalog.pg_database order by datname collate pg_catalog."C"`);
}
