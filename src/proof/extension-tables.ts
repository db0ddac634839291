import type { ExtensionTableFacts, Inventory, RestoredState } from '../formats/inventory/inventory.ts';
import { nameOf } from '../formats/inventory/relation.ts';
import type { Finding } from '../formats/restore-test/finding.ts';
import { countOf } from '../units.ts';
import { type Circumstances, type Compared, emptyComparison } from './circumstances.ts';

/**
 * Rows that no dump holds, because their tables belong to an extension: after a restore there are as many as the
 * extension's script brings. Equal, or accepted by name with a reason, or a finding.
 */
export function compareExtensionTables(
  expected: Inventory,
  restored: RestoredState,
  { acceptedMissingRows }: Pick<Circumstances, 'acceptedMissingRows'>,
): Compared {
  const result = emptyComparison();
  const copies = new Map(restored.extensionTables.map((table) => [nameOf(table), table]));
  const extensions = new Map(restored.extensions.map((extension) => [extension.name, extension]));
  let equal = 0;
  for (const table of expected.extensionTables) {
    const name = nameOf(table);
    const extension = extensions.get(table.extension);
    if (extension === undefined) continue; // A finding of its own.
    if (table.rows === null) {
      result.notVerified.push(
        `Rows of table ${name}: ${whyLeftOut(table.extension)}. They were not counted: ${table.reason}.`,
      );
      continue;
    }
    const copy = copies.get(name);
    if (copy?.rows === table.rows) {
      equal++;
      continue;
    }
    const difference = differenceOf(table, copy);
    const accepted = acceptedMissingRows.find(({ matches }) => matches(table));
    if (accepted !== undefined) {
      result.notVerified.push(`Rows of table ${name}: ${difference}. Accepted: ${accepted.reason}`);
      continue;
    }
    const source = expected.extensions.find((one) => one.name === table.extension)?.version;
    result.findings.push(
      source === extension.version
        ? lostRows(table, difference)
        : otherVersion(
            table,
            `${difference}. Extension ${table.extension} is ${source} in the source, ${extension.version} here`,
          ),
    );
  }
  if (equal > 0) result.verified.push(`${countOf(equal, 'table')} of extensions, not in the dump: exact row counts`);
  return result;
}

export function whyLeftOut(extension: string): string {
  return `pg_dump leaves out the rows of a table that belongs to an extension (${extension})`;
}

function differenceOf({ rows }: ExtensionTableFacts, copy: ExtensionTableFacts | undefined): string {
  const source = `${countOf(rows ?? 0, 'row')} in the source`;
  if (copy === undefined) return `${source}, no such table after the restore`;
  return copy.rows === null
    ? `${source}, not counted after the restore: ${copy.reason}`
    : `${source}, ${copy.rows} after the restore`;
}

function lostRows(table: ExtensionTableFacts, difference: string): Finding {
  return {
    severity: 'failed',
    kind: 'table',
    object: nameOf(table),
    message: `${difference}: ${whyLeftOut(table.extension)}. If the rows come from elsewhere, name the table and the reason in accept-missing-rows. If not, take it out of the extension (ALTER EXTENSION ... DROP TABLE), and back up again.`,
  };
}

/** Another version's script may bring other rows: then nothing of the user's is missing. */
function otherVersion(table: ExtensionTableFacts, difference: string): Finding {
  return {
    severity: 'could-not-verify',
    kind: 'table',
    object: nameOf(table),
    message: `${difference}. Install the source's version on the scratch server, or name the table and the reason in accept-missing-rows.`,
  };
}
