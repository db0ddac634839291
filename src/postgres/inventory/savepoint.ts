import { OWN_SEARCH_PATH } from '../session/own-settings.ts';
import type { Session } from '../session/session.ts';
import { commonError } from './errors.ts';

const SAVEPOINT = 'lifeboat_inventory';
/** The setting that says which kinds of relations of users a session does not read (PostgreSQL, 20.11.1). */
const RESTRICTION = 'restrict_nonsystem_relation_kind';

/**
 * Settings that change how the server writes values, names and expressions as text. They are set by role, database and
 * machine, and must not make the same database look different elsewhere. With only pg_catalog in search_path every other
 * name is written with its schema.
 */
const SETTINGS = {
  search_path: OWN_SEARCH_PATH,
  datestyle: 'ISO, YMD',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  extra_float_digits: '3',
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmlbinary: 'base64',
  quote_all_identifiers: 'off',
  standard_conforming_strings: 'on',
  row_security: 'off',
};

/**
 * Reads `what` behind a savepoint, with the settings of {@link SETTINGS}. An error does not end the transaction.
 * Afterwards settings are as before, and locks that the reading took (on indexes, views) are given back:
 * there is room for only so many (max_locks_per_transaction).
 */
export async function withFixedSettings<T>(session: Session, what: string, read: () => Promise<T>): Promise<T> {
  const reading = behindSavepoint(session, async () => {
    const settings = Object.entries(SETTINGS).map(([name, value]) => `('${name}', '${value}')`);
    await session.run(
      `select pg_catalog.set_config(name, value, true) from (values ${settings.join(', ')}) as s (name, value)`,
    );
    await restrictRelations(session);
    return read();
  });
  return reading.catch((error: unknown) => {
    throw commonError(error, what) ?? error;
  });
}

/**
 * Relations are read by their names, in the present: since the snapshot, a user can have put a view with a function of
 * theirs in the place of one, which would run as the role that backs up (CVE-2024-7348). Since 13.16, 14.13, 15.8, 16.4
 * the server can refuse to read views; where it cannot, this does nothing.
 */
async function restrictRelations(session: Session): Promise<void> {
  await session.run(
    `select pg_catalog.set_config(name, 'view, foreign-table', true) from pg_catalog.pg_settings where name = '${RESTRICTION}'`,
  );
}

/** Does some reading that may fail; whatever it did to the session is undone. */
export async function behindSavepoint<T>(session: Session, read: () => Promise<T>): Promise<T> {
  await session.run(`savepoint ${SAVEPOINT}`);
  let result: T;
  try {
    result = await read();
  } catch (error) {
    // The connection may be gone: the first error is the one to tell.
    await rollBack(session).catch(() => {});
    throw error;
  }
  await rollBack(session);
  return result;
}

async function rollBack(session: Session): Promise<void> {
  await session.run(`rollback to savepoint ${SAVEPOINT}`);
  await session.run(`release savepoint ${SAVEPOINT}`);
}
