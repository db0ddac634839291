import { setTimeout as sleep } from 'node:timers/promises';
import type { ExtensionTableFacts } from '../../../formats/inventory/inventory.ts';
import { ToolError } from '../../../process/child.ts';
import { quoteLiteral, type Session, SqlError } from '../../session/session.ts';
import { joinExtension } from '../../snapshot/extension-owner.ts';
import { qualifiedName } from '../../snapshot/snapshot.ts';
import { howToRead, type UserCode } from '../../snapshot/user-code.ts';
import { labelOf, SQLSTATE } from '../errors.ts';
import { withFixedSettings } from '../savepoint.ts';
import type { CopyRows } from './copy-counter.ts';

/** How often the lock of a table is tried, and the milliseconds between two tries: 2 s in all. */
const LOCK_ATTEMPTS = 20;
const LOCK_PAUSE = 100;

interface ExtensionTable {
  oid: number;
  schema: string;
  name: string;
  extension: string;
  /** The file that this session's snapshot sees: a rewrite gives the table another one. */
  file: number;
  /** The role may read it. */
  readable: boolean;
  /** On a standby nothing of an unlogged table can be read. */
  unreadableOnStandby: boolean;
}

export interface ExtensionTableOptions {
  /** The tables that no query may read. */
  userCode: UserCode;
  /** Counts the rows of such a table, in a session of its own; null: there is no such table. */
  copyRows: CopyRows | null;
}

/**
 * Counts the rows of the tables that belong to an extension, which has not marked them as configuration: no dump holds them
 * (PostgreSQL, Extension Configuration Tables). They are not locked for the whole dump, as extensions that keep
 * queues empty them by TRUNCATE: each is locked while it is counted, and a table that cannot be counted says why.
 */
export async function countExtensionTables(
  session: Session,
  options: ExtensionTableOptions,
): Promise<ExtensionTableFacts[]> {
  const facts: ExtensionTableFacts[] = [];
  for (const table of await listExtensionTables(session)) {
    const { schema, name, extension } = table;
    facts.push({ schema, name, extension, ...(await countTable(session, table, options)) });
  }
  return facts;
}

/** Also those in pg_catalog: an extension may put its tables there. */
function listExtensionTables(session: Session): Promise<ExtensionTable[]> {
  return withFixedSettings(session, 'the tables of extensions', () =>
    session.query<ExtensionTable>(`
      select c.oid::pg_catalog.int8 as oid, n.nspname as schema, c.relname as name, e.extname as extension,
        c.relfilenode::pg_catalog.int8 as file,
        pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select') as readable,
        c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery() as "unreadableOnStandby"
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      ${joinExtension('join')}
      where c.relkind = 'r' and c.relpersistence <> 't' and (e.extconfig is null or c.oid <> all (e.extconfig))
      order by n.nspname collate pg_catalog."C", c.relname collate pg_catalog."C"`),
  );
}

type Count = Pick<ExtensionTableFacts, 'rows' | 'reason'>;

async function countTable(session: Session, table: ExtensionTable, options: ExtensionTableOptions): Promise<Count> {
  if (!table.readable) return notCounted('the role may not read it');
  if (table.unreadableOnStandby) return notCounted('an unlogged table is empty on a standby');
  for (let attempt = 1; ; attempt++) {
    try {
      return await withFixedSettings(session, `table ${labelOf(table)}`, () => countLocked(session, table, options));
    } catch (error) {
      if (isLocked(error) && attempt < LOCK_ATTEMPTS) {
        await sleep(LOCK_PAUSE);
        continue;
      }
      const reason = reasonNotCounted(error);
      if (reason === null) throw error;
      return notCounted(reason);
    }
  }
}

/**
 * The lock is released with the savepoint around it. It never waits: this session holds locks on the tables of the dump, and
 * a statement of the application that waits for one of them could be ended as part of a deadlock.
 */
async function countLocked(
  session: Session,
  table: ExtensionTable,
  { userCode, copyRows }: ExtensionTableOptions,
): Promise<Count> {
  await session.run(`lock table only ${qualifiedName(table)} in access share mode nowait`);
  if (!(await isSameTable(session, table))) return notCounted('it was replaced or rewritten during the backup');
  if (howToRead(table, userCode) === 'copy') {
    return copyRows === null ? notCounted(`${userCode.get(table.oid)}`) : { rows: await copyRows(table), reason: null };
  }
  const [row] = await session.query<{ rows: string }>(
    `select pg_catalog.count(*)::pg_catalog.text as rows from only ${qualifiedName(table)}`,
  );
  return row === undefined ? notCounted('the server did not answer') : { rows: row.rows, reason: null };
}

/** Names are looked up in the present: what has this name now could be another relation, or its rows could be gone. */
async function isSameTable(session: Session, table: ExtensionTable): Promise<boolean> {
  const [now] = await session.query<{ same: boolean }>(`
    select coalesce(pg_catalog.to_regclass(${quoteLiteral(qualifiedName(table))})::pg_catalog.oid = ${table.oid}
      and pg_catalog.pg_relation_filenode(${table.oid}) = ${table.file}, false) as same`);
  return now?.same === true;
}

function notCounted(reason: string): Count {
  return { rows: null, reason };
}

/** null: the error says nothing of this table alone. */
function reasonNotCounted(error: unknown): string | null {
  if (error instanceof ToolError) return error.stderr.split('\n')[0] || error.message;
  if (!(error instanceof SqlError)) return null;
  return isLocked(error) ? 'another session has locked it' : error.message;
}

function isLocked(error: unknown): boolean {
  return error instanceof SqlError && error.sqlstate === SQLSTATE.lockNotAvailable;
}
