import { LifeboatError } from '../../../errors.ts';
import { quoteIdentifier, type Session, SqlError } from '../../session/session.ts';
import { qualifiedName } from '../../snapshot/snapshot.ts';
import type { Table } from '../../snapshot/tables.ts';
import { howToRead, type UserCode } from '../../snapshot/user-code.ts';
import { commonError, labelOf, SQLSTATE } from '../errors.ts';
import { behindSavepoint, withFixedSettings } from '../savepoint.ts';

/** So many tables are counted behind one savepoint. */
const BATCH = 100;

export interface TableCount {
  /** Exact, digits; null with the reason in `reason`, or when the dump's stream alone tells. */
  rows: string | null;
  /** Order-free digest of every row; null when none was asked for, or with the reason in `reason`. */
  fingerprint: string | null;
  reason: string | null;
}

export interface CountOptions {
  fingerprint: 'rows' | 'content';
  /** The tables that no query may read. Empty on a throwaway server of ours, where there are no rights to gain. */
  userCode: UserCode;
  /** Counts the rows of such a table; null: the dump's stream does. */
  copyRows: ((table: Table) => Promise<string>) | null;
  /** Called after each table. */
  onTable?: (done: number, total: number) => void;
}

/**
 * Counts the rows of every table by itself, without partitions and children. Partitioned tables hold none and are left
 * out. The result is by the table's oid. Throws a LifeboatError naming the table that cannot be read: pg_dump could not
 * dump it either.
 */
export async function countTables(
  session: Session,
  tables: Table[],
  options: CountOptions,
): Promise<Map<number, TableCount>> {
  const counts = new Map<number, TableCount>();
  const holding = tables.filter(({ kind }) => kind === 'r');
  const done = (table: Table, count: TableCount) => {
    counts.set(table.oid, count);
    options.onTable?.(counts.size, holding.length);
  };
  for (let start = 0; start < holding.length; start += BATCH) {
    const batch = holding.slice(start, start + BATCH);
    // Each batch gives back its locks on indexes: the server has no room for those of 10,000 tables.
    await withFixedSettings(session, 'the tables', () => countBatch(session, batch, options, done));
  }
  return counts;
}

async function countBatch(
  session: Session,
  tables: Table[],
  options: CountOptions,
  done: (table: Table, count: TableCount) => void,
): Promise<void> {
  const [server] = await session.query<{ standby: boolean }>('select pg_catalog.pg_is_in_recovery() as standby');
  const columns = options.fingerprint === 'content' ? await storedColumns(session, tables) : null;
  for (const table of tables) {
    // Unlogged tables have no data on a standby; to read one there is an error (PostgreSQL, CREATE TABLE, UNLOGGED).
    const unreadable = table.persistence === 'unlogged' && server?.standby;
    if (unreadable) done(table, UNREAD_ON_STANDBY);
    else if (table.condition !== null && options.copyRows === null) done(table, countedInDump(options));
    else if (howToRead(table, options.userCode) === 'copy') done(table, await countWithoutQuery(table, options));
    else done(table, await countTable(session, table, columns?.get(table.oid) ?? null));
  }
}

async function countWithoutQuery(table: Table, { fingerprint, userCode, copyRows }: CountOptions): Promise<TableCount> {
  const reason = `Its content was not digested, because a query would run code of the database's users: ${userCode.get(table.oid)}.`;
  return {
    rows: copyRows === null ? null : await copyRows(table),
    fingerprint: null,
    reason: fingerprint === 'content' ? reason : null,
  };
}

/** Of these the dump holds the rows that the extension's condition selects: how many, the stream says. */
function countedInDump({ fingerprint }: CountOptions): TableCount {
  const reason = 'Its content was not digested, because the dump holds only the rows that its extension has marked.';
  return { rows: null, fingerprint: null, reason: fingerprint === 'content' ? reason : null };
}

/** How many rows the conditions of extensions select, by the table's oid; for a table without one there is no entry. */
export async function countUnderConditions(
  session: Session,
  tables: Table[],
  userCode: UserCode,
): Promise<Map<number, string>> {
  const counts = new Map<number, string>();
  const conditional = tables.filter((table) => table.condition !== null && howToRead(table, userCode) === 'query');
  for (const table of conditional) {
    await withFixedSettings(session, `table ${labelOf(table)}`, async () => {
      // As pg_dump reads it, with the same search_path (dumpTableData_copy in pg_dump.c).
      const [row] = await session.query<{ rows: string }>(
        `select pg_catalog.count(*)::pg_catalog.text as rows from only ${qualifiedName(table)} ${table.condition}`,
      );
      if (row !== undefined) counts.set(table.oid, row.rows);
    });
  }
  return counts;
}

const UNREAD_ON_STANDBY: TableCount = {
  rows: null,
  fingerprint: null,
  reason: 'An unlogged table is empty on a standby: the backup holds no rows of it.',
};

/** `columns`: those to digest; null for the number of rows alone. */
async function countTable(session: Session, table: Table, columns: string[] | null): Promise<TableCount> {
  try {
    return columns === null ? await countRows(session, table) : await digestRows(session, table, columns);
  } catch (error) {
    throw countError(error, table);
  }
}

async function countRows(session: Session, table: Table): Promise<TableCount> {
  const [row] = await session.query<{ rows: string }>(
    `select pg_catalog.count(*)::pg_catalog.text as rows from only ${qualifiedName(table)}`,
  );
  return { rows: row?.rows ?? null, fingerprint: null, reason: null };
}

/**
 * The sum of a 64-bit hash of each row's text: the order of rows does not matter. Columns go in by the order of their
 * names, for a child table's columns can come back in another order (CREATE TABLE puts those of the parents first). With
 * collation C the hash is of the bytes. sum(bigint) is numeric and does not overflow.
 */
async function digestRows(session: Session, table: Table, columns: string[]): Promise<TableCount> {
  try {
    const [row] = await behindSavepoint(session, () =>
      session.query<{ rows: string; fingerprint: string }>(`
        select pg_catalog.count(*)::pg_catalog.text as rows,
          coalesce(pg_catalog.sum(pg_catalog.hashtextextended(
            row(${columns.map(quoteIdentifier).join(', ')})::pg_catalog.text collate pg_catalog."C", 0)), 0)::pg_catalog.text
            as fingerprint
        from only ${qualifiedName(table)}`),
    );
    return { rows: row?.rows ?? null, fingerprint: row?.fingerprint ?? null, reason: null };
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    const { rows } = await countRows(session, table);
    return { rows, fingerprint: null, reason: `A row is too large to be written as text: ${error.message}` };
  }
}

/**
 * The columns of each table by its oid, but for virtual generated ones (PostgreSQL 18): they hold nothing, their
 * expressions are computed when read, and may fail.
 */
async function storedColumns(session: Session, tables: Table[]): Promise<Map<number, string[]>> {
  const columns = await session.query<{ oid: number; names: string[] }>(`
    select t.oid::pg_catalog.int8 as oid, array(
      select a.attname::pg_catalog.text from pg_catalog.pg_attribute a
      where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated <> 'v'
      order by a.attname collate pg_catalog."C") as names
    from pg_catalog.unnest('{${tables.map(({ oid }) => oid).join(',')}}'::pg_catalog.oid[]) as t (oid)`);
  return new Map(columns.map(({ oid, names }) => [oid, names]));
}

/** A text is at most 1 GB: by version an exceeded limit, a lack of memory, or "invalid memory alloc request size". */
function isTooLarge(error: unknown): error is SqlError {
  if (!(error instanceof SqlError)) return false;
  if (error.sqlstate === SQLSTATE.programLimitExceeded) return true;
  if (error.sqlstate === SQLSTATE.outOfMemory) return !/shared memory/.test(error.message);
  return error.sqlstate === SQLSTATE.internalError && /memory alloc request size/.test(error.message);
}

function countError(error: unknown, table: Table): unknown {
  const common = commonError(error, `table ${labelOf(table)}`);
  if (common) return common;
  if (!(error instanceof SqlError)) return error;
  const failure = `Table ${labelOf(table)} cannot be read: ${error.message}.`;
  return new LifeboatError(error.sqlstate === SQLSTATE.insufficientPrivilege ? `${failure} ${GRANT}` : failure, {
    cause: error,
  });
}

const GRANT =
  'The role that backs up needs SELECT on every table and USAGE on every schema, or the role pg_read_all_data (PostgreSQL 14 and newer); and BYPASSRLS where row-level security would hide rows: ALTER ROLE … BYPASSRLS.';
