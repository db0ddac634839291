import { LifeboatError } from '../../errors.ts';
import type { TableFacts } from '../../formats/inventory/inventory.ts';
import type { ArchiveContents } from '../archive/contents.ts';
import { labelOf } from '../inventory/errors.ts';
import type { TableCount } from '../inventory/rows/count-tables.ts';
import type { Table } from '../snapshot/tables.ts';
import type { UserCode } from '../snapshot/user-code.ts';
import type { Selection } from './dump.ts';

/** What the dump's snapshot held, read by queries. */
export interface CountedTables {
  selection: Selection;
  counts: Map<number, TableCount>;
  userCode: UserCode;
}

/** What pg_dump's archive holds. */
export interface ArchivedTables extends ArchiveContents {
  /** How many rows of each table went by in the stream, by the table's oid. */
  rows: Map<number, number>;
}

/**
 * Holds the archive against what was counted in the same snapshot: a table that has rows must have its data in the
 * archive, exactly so many rows, and data must belong to a table that was locked.
 */
export function checkArchive(counted: CountedTables, archive: ArchivedTables): void {
  for (const table of counted.selection.tables) {
    if (archive.data.has(table.oid)) checkRows(table, counted, archive);
    else checkMissing(table, counted);
  }
  const known = new Set(counted.selection.tables.map(({ oid }) => oid));
  for (const oid of archive.data) {
    if (known.has(oid)) continue;
    throw new LifeboatError(
      `pg_dump's archive has data of a table (oid ${oid}) that was not locked and counted. The backup was not kept. Run it again; if it stays, report it with the versions of server and pg_dump.`,
    );
  }
}

/** Where an extension's condition selects rows (pg_extension_config_dump), no query has counted them: `rows` is null. */
function checkRows(table: Table, { counts }: CountedTables, archive: ArchivedTables): void {
  const written = archive.rows.get(table.oid);
  const rows = counts.get(table.oid)?.rows ?? null;
  if (written === undefined) {
    throw new LifeboatError(
      `Table ${labelOf(table)} stands in the table of contents of pg_dump's archive, but its rows do not follow. The backup was not kept. Run it again; if it happens again, report it with the versions of server and pg_dump.`,
    );
  }
  if (rows === null || String(written) === rows) return;
  throw new LifeboatError(
    `Table ${labelOf(table)} has ${rows} rows by count(*), but pg_dump wrote ${written} in the same snapshot. The backup was not kept. One of the two reads a damaged table or index: check it with pg_amcheck, and REINDEX the table. If it is sound, report this with the versions of server and pg_dump.`,
  );
}

function checkMissing(table: Table, { selection, counts, userCode }: CountedTables): void {
  const expected = table.kind === 'r' && table.extension === null && !selection.withoutRows.has(table.oid);
  if (!expected) return;
  // pg_dump leaves unlogged tables out on a standby.
  const uncounted = userCode.has(table.oid) && table.persistence === 'permanent';
  const rows = uncounted ? 'uncounted' : (counts.get(table.oid)?.rows ?? '0');
  if (rows === '0') return;
  throw new LifeboatError(
    `Table ${labelOf(table)} has ${rows} rows, but pg_dump's archive has no data for it. The backup would not be whole and was not kept. Look at what the role may read, and report this with the versions of server and pg_dump.`,
  );
}

/** What the inventory says of the tables. Partitioned tables hold no rows: their partitions do. */
export function tableFacts(
  { selection, counts, userCode }: CountedTables,
  sizes: Map<number, number>,
  archive: ArchivedTables,
): TableFacts[] {
  return selection.tables
    .filter(({ kind }) => kind === 'r')
    .map((table) => {
      const count = counts.get(table.oid);
      return {
        schema: table.schema,
        name: table.name,
        persistence: table.persistence,
        partition: table.partition,
        extension: table.extension,
        bytes: sizes.get(table.oid) ?? 0,
        rows: count?.rows ?? rowsWritten(table, archive),
        fingerprint: count?.fingerprint ?? null,
        dumped: archive.data.has(table.oid),
        reason: count?.reason ?? null,
        userCode: userCode.get(table.oid) ?? null,
        conditional: table.condition !== null,
      };
    });
}

/** The record of a table that no query may count; null: the archive does not hold its rows. */
function rowsWritten({ oid }: Table, { rows }: ArchivedTables): string | null {
  const written = rows.get(oid);
  return written === undefined ? null : String(written);
}
