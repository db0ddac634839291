import type { Inventory, RestoredState, TableFacts } from '../formats/inventory/inventory.ts';
import { nameOf } from '../formats/inventory/relation.ts';
import { countOf } from '../units.ts';
import { type Circumstances, type Compared, missingFinding } from './circumstances.ts';

/** A line of the table of tables. */
export interface ComparedTable {
  schema: string;
  name: string;
  /** Exact; null: not counted in the source. */
  expected: string | null;
  /** null: missing, or not to be counted. */
  restored: string | null;
  equal: boolean;
}

/** Every table's exact number of rows, and with a fingerprint its rows themselves. */
export function compareTables(
  expected: Inventory,
  restored: RestoredState,
  circumstances: Circumstances,
): Compared & { tables: ComparedTable[] } {
  const found = new Map(restored.tables.map((table) => [nameOf(table), table]));
  const known = new Set(expected.tables.map(nameOf));
  const result: Compared & { tables: ComparedTable[] } = { findings: [], verified: [], notVerified: [], tables: [] };
  let counted = 0;
  let digested = 0;
  for (const table of expected.tables) {
    const copy = found.get(nameOf(table));
    const { schema, name } = table;
    if (table.extension !== null && !table.dumped) {
      result.notVerified.push(
        `Rows of table ${nameOf(table)}: it belongs to extension ${table.extension}, which brings them itself.`,
      );
      continue;
    }
    if (!copy) {
      result.findings.push(missingFinding('table', nameOf(table), circumstances));
      result.tables.push({ schema, name, expected: rowsAfterRestore(table), restored: null, equal: false });
      continue;
    }
    const rows = rowsAfterRestore(table);
    if (rows === null) {
      result.notVerified.push(
        `Number of rows of table ${nameOf(table)}: it was not counted, because ${table.userCode}.`,
      );
      continue;
    }
    const copied = table.conditional ? copy.conditionRows : copy.rows;
    if (table.conditional && copied === null && copy.userCode !== null) {
      result.notVerified.push(`Number of rows of table ${nameOf(table)}: a query would run ${copy.userCode}.`);
      continue;
    }
    const equal = rows === copied;
    result.tables.push({ schema, name, expected: rows, restored: copied, equal });
    if (!equal) {
      result.findings.push({
        severity: 'failed',
        kind: 'table',
        object: nameOf(table),
        message: `${rows} rows were dumped, ${copied} were restored.`,
      });
      continue;
    }
    counted++;
    if (table.reason !== null) result.notVerified.push(`Table ${nameOf(table)}: ${table.reason}`);
    if (table.fingerprint === null || !sameMajor(expected, restored)) continue;
    if (copy.fingerprint === null && copy.userCode) {
      result.notVerified.push(
        `Content of table ${nameOf(table)}: a query would run code of the database's users: ${copy.userCode}.`,
      );
      continue;
    }
    digested++;
    if (table.fingerprint === copy.fingerprint) continue;
    result.findings.push({
      severity: copy.fingerprint === null ? 'could-not-verify' : 'failed',
      kind: 'table',
      object: nameOf(table),
      message:
        copy.fingerprint === null
          ? 'Its rows could not be digested after the restore.'
          : `The number of rows is right (${rows}), but their content differs from what was dumped.`,
    });
  }
  for (const copy of restored.tables) {
    if (known.has(nameOf(copy))) continue;
    result.findings.push({
      severity: 'failed',
      kind: 'table',
      object: nameOf(copy),
      message: 'It is in the restored database, but was not in the source.',
    });
  }
  result.verified.push(`${countOf(counted, 'table')}: exact row counts`);
  if (digested > 0) result.verified.push(`${countOf(digested, 'table')}: the content of every row`);
  const content = expected.tables.some(({ fingerprint, userCode, reason }) => fingerprint ?? (userCode && reason));
  if (!content) result.notVerified.push('The content of rows: the backup was made with fingerprint: rows.');
  else if (!sameMajor(expected, restored)) {
    result.findings.push({
      severity: 'could-not-verify',
      kind: 'server',
      object: restored.server.version,
      message: `The content of rows can only be compared within one major version; the source is ${expected.server.version}.`,
    });
  }
  return result;
}

/**
 * Of a table that the dump left out on purpose only the definition comes back; unlogged ones of a standby are empty.
 * null: nothing could count them.
 */
function rowsAfterRestore({ dumped, rows, userCode }: TableFacts): string | null {
  if (!dumped) return '0';
  return rows ?? (userCode ? null : '0');
}

function sameMajor(expected: Inventory, restored: RestoredState): boolean {
  return majorVersionOf(expected.server.versionNumber) === majorVersionOf(restored.server.versionNumber);
}

export function majorVersionOf(versionNumber: number): number {
  return Math.floor(versionNumber / 10_000);
}
