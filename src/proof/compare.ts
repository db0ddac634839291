import type { Inventory, RestoredState } from '../formats/inventory/inventory.ts';
import type { Finding } from '../formats/restore-test/finding.ts';
import { countOf } from '../units.ts';
import { type Circumstances, type Compared, emptyComparison, missingFinding } from './circumstances.ts';
import { compareExtensionTables } from './extension-tables.ts';
import { compareObjects } from './objects.ts';
import { compareRoles } from './roles.ts';
import { compareSequences } from './sequences.ts';
import { type ComparedTable, compareTables } from './tables.ts';

export interface Comparison extends Compared {
  tables: ComparedTable[];
}

/** Holds what was restored against what was dumped, kind by kind. No tolerance: equal, or a finding. */
export function compareDatabases(
  expected: Inventory,
  restored: RestoredState,
  circumstances: Circumstances,
): Comparison {
  const { notRecorded } = expected;
  return mergeComparisons([
    compareTables(expected, restored, circumstances),
    compareExtensionTables(expected, restored, circumstances),
    compareSequences(expected, restored, circumstances),
    compareLargeObjects(expected, restored),
    compareMaterializedViews(expected, restored, circumstances),
    compareObjects(expected, restored, circumstances),
    compareExtensions(expected, restored, circumstances),
    compareRoles(expected, restored, circumstances),
    compareDatabase(expected, restored),
    { notVerified: [...leftOut(circumstances.partial), ...notRecorded] },
  ]);
}

/** What several steps found, in their order. */
export function mergeComparisons(steps: Partial<Comparison>[]): Comparison {
  return {
    tables: steps.flatMap(({ tables = [] }) => tables),
    findings: steps.flatMap(({ findings = [] }) => findings),
    verified: steps.flatMap(({ verified = [] }) => verified),
    notVerified: steps.flatMap(({ notVerified = [] }) => notVerified),
  };
}

function leftOut(partial: string[] | null): string[] {
  if (partial === null) return [];
  return [
    `Whether objects, sequences or extensions are missing: the backup is partial (${partial.join(' ')}), and which of them it holds is not recorded.`,
  ];
}

function compareLargeObjects(
  { largeObjects: expected }: Inventory,
  { largeObjects: restored }: RestoredState,
): Compared {
  const result = emptyComparison();
  if (!expected.dumped) {
    if (expected.count !== '0')
      result.notVerified.push(`${countOf(expected.count, 'large object')}: the backup does not hold them.`);
    return result;
  }
  const differ = (what: string, before: string | null, after: string | null): Finding => ({
    severity: 'failed',
    kind: 'large objects',
    object: 'all large objects',
    message: `Their ${what} was ${before} in the source, ${after} after the restore.`,
  });
  if (expected.count !== restored.count) result.findings.push(differ('number', expected.count, restored.count));
  if (expected.bytes !== null && expected.bytes !== restored.bytes) {
    result.findings.push(differ('total size in bytes', expected.bytes, restored.bytes));
  }
  if (result.findings.length === 0 && expected.definitions !== restored.definitions) {
    result.findings.push(differ('digest of owners, grants and comments', expected.definitions, restored.definitions));
  }
  if (expected.fingerprint !== null && expected.fingerprint !== restored.fingerprint) {
    result.findings.push(differ('digest of content', expected.fingerprint, restored.fingerprint));
  }
  result.verified.push(`${countOf(expected.count, 'large object')}: number, total size, owners, grants and comments`);
  return result;
}

/** They must be populated alike. A restore computes their rows anew, which may differ (`now()`, `random()`). */
function compareMaterializedViews(
  expected: Inventory,
  restored: RestoredState,
  circumstances: Circumstances,
): Compared {
  const result = emptyComparison();
  const found = new Map(restored.materializedViews.map((view) => [`${view.schema}.${view.name}`, view]));
  for (const view of expected.materializedViews) {
    const label = `${view.schema}.${view.name}`;
    const copy = found.get(label);
    if (!copy) {
      if (circumstances.partial === null)
        result.findings.push(missingFinding('materialized view', label, circumstances));
    } else if (copy.populated !== view.populated) {
      const said = (populated: boolean) => (populated ? 'populated' : 'not populated');
      result.findings.push({
        severity: 'failed',
        kind: 'materialized view',
        object: label,
        message: `It was ${said(view.populated)}, restored was ${said(copy.populated)}.`,
      });
    } else if (view.populated) {
      result.notVerified.push(`Rows of materialized view ${label}: a restore computes them anew.`);
    }
  }
  if (expected.materializedViews.length > 0) {
    result.verified.push(`${countOf(expected.materializedViews.length, 'materialized view')}: populated or not`);
  }
  return result;
}

function compareExtensions(expected: Inventory, restored: RestoredState, circumstances: Circumstances): Compared {
  const result = emptyComparison();
  const found = new Map(restored.extensions.map((extension) => [extension.name, extension]));
  for (const { name, version, schema } of expected.extensions) {
    const copy = found.get(name);
    if (!copy) {
      if (circumstances.partial === null) result.findings.push(missingFinding('extension', name, circumstances));
      continue;
    }
    if (copy.schema !== schema) {
      const message = `Its schema was ${schema}, restored was ${copy.schema}.`;
      result.findings.push({ severity: 'failed', kind: 'extension', object: name, message });
    }
    if (copy.version !== version) {
      result.notVerified.push(`Version of extension ${name}: ${version} in the source, ${copy.version} here.`);
    }
  }
  return result;
}

function compareDatabase({ database: expected }: Inventory, { database: restored }: RestoredState): Compared {
  const result = emptyComparison();
  const compareFact = (what: string, before: unknown, after: unknown) => {
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    const message = `Its ${what} was ${JSON.stringify(before)}, restored was ${JSON.stringify(after)}.`;
    result.findings.push({ severity: 'failed', kind: 'database', object: expected.name, message });
  };
  compareFact('encoding', expected.encoding, restored.encoding);
  compareFact('owner', expected.owner, restored.owner);
  compareFact('grants', expected.acl, restored.acl);
  compareFact('comment', expected.comment, restored.comment);
  compareFact('connection limit', expected.connectionLimit, restored.connectionLimit);
  compareFact('settings', expected.settings, restored.settings);
  const collation = ({ provider, collate, ctype, locale }: typeof expected) =>
    `${provider} ${locale ?? `${collate}, ${ctype}`}`;
  if (collation(expected) !== collation(restored)) {
    result.notVerified.push(`Collation: ${collation(expected)} in the source, ${collation(restored)} here.`);
  } else if (expected.collationVersion !== restored.collationVersion) {
    result.notVerified.push(
      `Version of the collation: ${expected.collationVersion} in the source, ${restored.collationVersion} here.`,
    );
  }
  result.verified.push('The database: encoding, owner, grants, comment, connection limit and settings');
  return result;
}
