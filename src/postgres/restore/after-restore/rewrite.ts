import { setTimeout as sleep } from 'node:timers/promises';
import { LifeboatError } from '../../../errors.ts';
import { quoteIdentifier, type Session } from '../../session/session.ts';

/** How long another session of the database may take to end. Milliseconds. */
const END_WITHIN = 10_000;

/**
 * Leaves nothing of the values that were there before: old row versions and dropped columns, also in the catalogs, and
 * statistics, which hold the most common values (PostgreSQL, pg_stats). ANALYZE alone keeps those of an emptied table.
 * VACUUM FULL comes first: it waits for an autovacuum that has read old rows and would write their statistics.
 */
export async function rewriteEverything(session: Session): Promise<void> {
  await endOtherSessions(session);
  for (const name of await listRelations(session, 'users')) await session.run(`vacuum (full) ${name}`);
  await session.run('delete from pg_catalog.pg_statistic');
  await session.run('delete from pg_catalog.pg_statistic_ext_data');
  await session.run('analyze');
  for (const name of await listRelations(session, 'catalogs')) await session.run(`vacuum (full) ${name}`);
}

/** What has storage in this database alone: tables and materialized views. Shared catalogs are the server's. */
async function listRelations(session: Session, whose: 'users' | 'catalogs'): Promise<string[]> {
  const rows = await session.query<{ schema: string; name: string }>(`
    select namespace.nspname as schema, class.relname as name
    from pg_catalog.pg_class class join pg_catalog.pg_namespace namespace on namespace.oid = class.relnamespace
    where class.relkind in ('r', 'm') and class.relpersistence <> 't' and not class.relisshared
      and (namespace.nspname = 'pg_catalog') = ${whose === 'catalogs'}
    order by class.oid`);
  return rows.map(({ schema, name }) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`);
}

/** A session with an old snapshot keeps the row versions that it may still read: autovacuum's, which comes back later. */
async function endOtherSessions(session: Session): Promise<void> {
  const list = `select pid from pg_catalog.pg_stat_activity
    where datname = pg_catalog.current_database() and pid <> pg_catalog.pg_backend_pid()`;
  const others = (await session.query<{ pid: number }>(list)).map(({ pid }) => pid);
  for (const pid of others) await session.run(`select pg_catalog.pg_terminate_backend(${pid})`);
  for (const end = Date.now() + END_WITHIN; Date.now() < end; await sleep(20)) {
    const now = await session.query<{ pid: number }>(list);
    if (!now.some(({ pid }) => others.includes(pid))) return;
  }
  throw new LifeboatError('Another session of the restored database does not end, so old row versions would stay.');
}

/**
 * Throws when something on the server would keep old row versions (PostgreSQL, VACUUM): to be called before a restore, which
 * may take hours.
 */
export async function requireRewritable(session: Session): Promise<void> {
  const holders = await session.query<{ holder: string }>(`
    select 'replication slot ' || slot_name::pg_catalog.text as holder from pg_catalog.pg_replication_slots
    where xmin is not null or catalog_xmin is not null
    union all
    select 'standby ' || application_name::pg_catalog.text from pg_catalog.pg_stat_replication where backend_xmin is not null`);
  const [first] = holders;
  if (first === undefined) return;
  throw new LifeboatError(
    `scratch-url: ${JSON.stringify(first.holder)} makes the server keep old row versions, so the values that after-restore replaces would stay in its files. Use a server of its own for the restore, such as a service container.`,
  );
}
