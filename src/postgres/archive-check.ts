import type { TableFacts } from '../catalog/inventory.ts';
import { LifeboatError } from '../errors.ts';
import type { ArchiveContents } from './archive.ts';
import type { Selection } from './dump.ts';
import type { TableCount } from './inventory/rows.ts';
import type { Table } from './tables.ts';

/**
 * Holds the archive's own table of contents against what was counted in the same snapshot: a table that has rows must
 * have its data in the archive, and data must belong to a table that was counted.
 */
export function checkArchive(selection: Selection, counts: Map<number, TableCount>, contents: ArchiveContents): void {
  const byOid = new Map(selection.tables.map((table) => [table.oid, table]));
  for (const table of selection.tables) {
    const rows = counts.get(table.oid)?.rows ?? '0';
    const expected = table.kind === 'r' && table.extension === null && !selection.withoutRows.has(table.oid);
    if (expected && rows !== '0' && !contents.data.has(table.oid)) {
      throw new LifeboatError(
        `Table ${label(table)} has ${rows} rows, but pg_dump’s archive has no data for it. The backup would not be whole and was not kept. Look at what the role may read, and report this with the versions of server and pg_dump.`,
      );
    }
  }
  for (const oid of contents.data) {
    if (byOid.has(oid)) continue;
    throw new LifeboatError(
      `pg_dump’s archive has data of a table (oid ${oid}) that was not locked and counted. The backup was not kept. Run it again; if it stays, report it with the versions of server and pg_dump.`,
    );
  }
}

/** What the inventory says of the tables. Partitioned tables hold no rows: their partitions do. */
export function tableFacts(
  selection: Selection,
  counts: Map<number, TableCount>,
  sizes: Map<number, number>,
  contents: ArchiveContents,
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
        rows: count?.rows ?? null,
        fingerprint: count?.fingerprint ?? null,
        dumped: contents.data.has(table.oid),
        reason: count?.reason ?? null,
      };
    });
}

function label({ schema, name }: Table): string {
  return `${JSON.stringify(schema)}.${JSON.stringify(name)}`;
}
