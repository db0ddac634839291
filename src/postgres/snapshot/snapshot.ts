import { setTimeout as sleep } from 'node:timers/promises';
import { LifeboatError } from '../../errors.ts';
import { quoteIdentifier, type Session, SqlError } from '../session/session.ts';
import { shownStatement } from '../session/statement.ts';
import { listTables, type Table } from './tables.ts';

/** Tables are locked this many a statement; a partial failure says which batch. */
const LOCK_BATCH = 500;
/** How long one LOCK waits before the attempt backs off. */
const LOCK_TIMEOUT = '2s';
/** Pauses between attempts, milliseconds: they double up to the longest. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 10_000;

/** The places between the steps, where a test lets another session act. */
export type SnapshotStep = 'before-list' | 'list-lock' | 'lock-export' | 'export-dump' | 'during-copy';

export interface Snapshot {
  /** What `pg_dump --snapshot` takes. */
  name: string;
  /** Every table that is locked, and so cannot lose its rows to TRUNCATE or a rewrite before the dump has read them. */
  tables: Table[];
}

/** An attempt that could not get its locks, or whose tables changed under it: roll back, wait, again. */
export class LockConflict extends Error {
  /** What was in the way, for the user. */
  readonly reason: string;
  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

export interface SnapshotOptions {
  /** Milliseconds in all for getting every lock. */
  lockWaitTimeout: number;
  signal: AbortSignal;
  /** The tables that the dump will hold, out of those of a whole one; in the snapshot, when there is one yet. */
  select(tables: Table[], snapshot: string | null): Promise<Table[]>;
  info(line: string): void;
  at(step: SnapshotStep): Promise<void>;
}

/**
 * Takes the locks first and the snapshot after them, then lets `begin` start the dump; all again from the start
 * whenever an attempt had to back off.
 *
 * In the other order (snapshot, then locks: what pg_dump by itself does) a TRUNCATE or a rewriting ALTER TABLE that
 * commits in between leaves the table empty for the snapshot, in the dump and in every count: a loss that nobody sees
 * (PostgreSQL, 13.6 Caveats). LOCK TABLE does not take the snapshot of a REPEATABLE READ transaction; the first query
 * does. So there must be no query between BEGIN and the last LOCK.
 */
export async function withSnapshot<T>(
  session: Session,
  options: SnapshotOptions,
  begin: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + options.lockWaitTimeout;
  let pause = FIRST_PAUSE;
  for (let attempt = 1; ; attempt++) {
    try {
      const snapshot = await takeSnapshot(session, options);
      await options.at('export-dump');
      return await begin(snapshot);
    } catch (error) {
      if (!(error instanceof LockConflict)) throw error;
      await session.run('rollback');
      if (Date.now() + pause > deadline) throw lockWaitError(error, attempt, options.lockWaitTimeout);
      options.info(`Attempt ${attempt} backed off: ${error.reason} Retrying in ${pause / 1000} s.`);
      await sleep(pause, undefined, { signal: options.signal });
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }
}

/** Throws when the session is gone: if it did not hold the locks to the end, the counts would not be the dump's. */
export async function endSnapshot(session: Session): Promise<void> {
  await session.run('commit');
}

async function takeSnapshot(session: Session, options: SnapshotOptions): Promise<Snapshot> {
  await options.at('before-list');
  const wanted = await options.select(await listTables(session), null);
  await options.at('list-lock');

  // The session has its settings already: SET takes no snapshot, but set_config() in a query would.
  await session.runTogether([
    'begin isolation level repeatable read read only',
    `set local lock_timeout = '${LOCK_TIMEOUT}'`,
  ]);
  await lockTables(session, wanted);
  await session.run('set local lock_timeout = 0');
  await options.at('lock-export');

  // The first query of the transaction: from here on it sees one moment.
  const [exported] = await session.query<{ name: string }>('select pg_catalog.pg_export_snapshot() as name');
  const name = exported?.name ?? '';
  return { name, tables: verifyTables(wanted, await options.select(await listTables(session), name)) };
}

async function lockTables(session: Session, tables: Table[]): Promise<void> {
  for (let start = 0; start < tables.length; start += LOCK_BATCH) {
    const batch = tables.slice(start, start + LOCK_BATCH);
    try {
      await session.run(`lock table only ${batch.map(qualifiedName).join(', only ')} in access share mode`);
    } catch (error) {
      throw error instanceof SqlError ? await lockError(session, error, batch) : error;
    }
  }
}

/** What a refused LOCK means (SQLSTATEs of PostgreSQL's Appendix A). */
async function lockError(session: Session, error: SqlError, batch: Table[]): Promise<Error> {
  switch (error.sqlstate) {
    case '55P03': // lock_not_available
      return new LockConflict(await whoHolds(session, batch));
    case '42P01': // undefined_table
    case '3F000': // invalid_schema_name
      return new LockConflict('A table was dropped while the locks were taken.');
    case '42501': // insufficient_privilege
      return new LifeboatError(
        `The role may not read every table: ${error.message}. Grant it SELECT, or the role pg_read_all_data (PostgreSQL 14 and newer); a backup that leaves tables out must say so with --exclude-table in dump-args.`,
        { cause: error },
      );
    case '53200': // out_of_memory: "out of shared memory"
      return new LifeboatError(
        `The server has no room for a lock on each of the tables: ${error.message}. Raise max_locks_per_transaction in postgresql.conf (each table needs two locks in a backup; the default of 64 times max_connections is all there is) and restart the server.`,
        { cause: error },
      );
    default:
      return error;
  }
}

/** Names the session that holds or waits for a lock in our way. Ends the failed transaction first. */
async function whoHolds(session: Session, batch: Table[]): Promise<string> {
  await session.run('rollback');
  const oids = batch.map(({ oid }) => oid).join(',');
  const [holder] = await session.query<{ table: string; pid: number; query: string }>(`
    select c.relname as table, l.pid, pg_catalog."left"(coalesce(a.query, ''), 200) as query
    from pg_catalog.pg_locks l
    join pg_catalog.pg_class c on c.oid = l.relation
    left join pg_catalog.pg_stat_activity a on a.pid = l.pid
    where l.relation = any ('{${oids}}'::pg_catalog.oid[]) and l.mode = 'AccessExclusiveLock'
      and l.pid <> pg_catalog.pg_backend_pid()
    order by l.granted desc limit 1`);
  if (!holder) return 'A table was locked by another session, which has ended since.';
  return `Table ${JSON.stringify(holder.table)} is locked by the session with pid ${holder.pid}: ${shownStatement(holder.query)}.`;
}

/** Every table to dump must be locked, and still be the file that the snapshot sees. */
function verifyTables(wanted: Table[], seen: Table[]): Table[] {
  const locked = new Map(wanted.map((table) => [table.oid, table]));
  for (const table of seen) {
    const before = locked.get(table.oid);
    if (!before || qualifiedName(before) !== qualifiedName(table)) {
      throw new LockConflict(`Table ${JSON.stringify(table.name)} was created or renamed while the locks were taken.`);
    }
    if (table.fileSeen !== table.fileNow) {
      throw new LockConflict(`Table ${JSON.stringify(table.name)} was rewritten while the locks were taken.`);
    }
  }
  return seen;
}

export function qualifiedName({ schema, name }: { schema: string; name: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

function lockWaitError(error: LockConflict, attempts: number, timeout: number): LifeboatError {
  return new LifeboatError(
    `The tables could not be locked for reading within ${Math.round(timeout / 1000)} s (${attempts} attempts). ${error.reason} Let that statement end, or give it a lock_timeout, or raise lock-wait-timeout.`,
  );
}
