import type { ExtensionTableFacts, Inventory, TableFacts } from '../../formats/inventory/inventory.ts';
import type { CommonManifest } from '../../formats/manifest.ts';
import { keyOf, MANIFEST_FILE } from '../../formats/names.ts';
import type { Connected } from '../../postgres/session/connect.ts';
import { whyLeftOut } from '../../proof/extension-tables.ts';
import { treeNotes } from '../../report/file-trees.ts';
import type { Progress } from '../../report/progress.ts';
import { countOf } from '../../units.ts';
import type { StoreRetention } from '../prune/report.ts';
import type { BackupReport } from './report.ts';
import type { BackupTarget } from './stores.ts';

/** How many tables the summary lists. */
const LARGEST_TABLES = 20;

export interface BackupFacts {
  manifest: CommonManifest;
  inventory: Inventory;
  facts: Connected['facts'];
  superuser: boolean;
  targets: BackupTarget[];
  retention: Map<BackupTarget, StoreRetention>;
  trend: BackupReport['trend'];
  signed: boolean;
  progress: Progress;
}

export function makeReport(made: BackupFacts): BackupReport {
  const { manifest, inventory, facts, superuser, targets, retention, trend, signed, progress } = made;
  const dumped = inventory.tables.filter((table) => table.dumped);
  return {
    command: 'backup',
    id: manifest.id,
    name: manifest.name,
    database: manifest.database,
    serverVersion: manifest.serverVersion,
    clientVersion: manifest.clientVersion,
    created: manifest.created,
    finished: manifest.finished,
    duration: Math.round(progress.elapsed()),
    stages: progress.stages.map(({ name, milliseconds }) => ({ name, milliseconds: Math.round(milliseconds) })),
    databaseSize: facts.databaseSize,
    plainSize: manifest.totals.plain,
    storedSize: manifest.totals.stored,
    tables: inventory.tables.length,
    rows: dumped.reduce((sum, { rows }) => sum + BigInt(rows ?? 0), 0n).toString(),
    sequences: inventory.sequences.length,
    largeObjects: inventory.largeObjects.count,
    objects: inventory.objects.length,
    largestTables: largestTablesOf(inventory.tables),
    countedInDump: inventory.tables.flatMap(({ schema, name, userCode }) =>
      userCode ? [{ schema, name, reason: userCode }] : [],
    ),
    superuser,
    parts: manifest.parts.map(({ name, plain, volumes }) => ({
      name,
      plain,
      stored: volumes.reduce((sum, { size }) => sum + size, 0),
      volumes: volumes.length,
    })),
    files: inventory.files.map(({ label, files, folders, links, bytes, changed, vanished, special }) => ({
      ...{ label, files, folders, links, bytes },
      notes: treeNotes({ changed, vanished, special }),
    })),
    encryption: manifest.encryption,
    signed,
    notIncluded: [...manifest.notIncluded, ...rowsOfExtensions(inventory.extensionTables), ...inventory.notRecorded],
    stores: targets.map((target) => storeResult(target, manifest, retention.get(target) ?? null)),
    trend,
  };
}

function largestTablesOf(tables: TableFacts[]): BackupReport['largestTables'] {
  return [...tables]
    .sort((a, b) => b.bytes - a.bytes || a.name.localeCompare(b.name))
    .slice(0, LARGEST_TABLES)
    .map(({ schema, name, rows, bytes }) => ({ schema, name, rows, bytes }));
}

function storeResult(
  target: BackupTarget,
  { name, id }: CommonManifest,
  retention: StoreRetention | null,
): BackupReport['stores'][number] {
  const root = target.store.url.replace(/\/+$/, '');
  return {
    url: target.store.url,
    location: `${root}/${name}/${id}`,
    manifest: `${root}/${keyOf(name, id, MANIFEST_FILE)}`,
    uploaded: target.uploaded,
    previous: target.previous,
    noPrevious: target.noPrevious,
    lockedUntil: target.lockedUntil?.toISOString() ?? null,
    error: target.failure?.message ?? null,
    retention,
  };
}

function rowsOfExtensions(tables: ExtensionTableFacts[]): string[] {
  return tables.flatMap(({ schema, name, extension, rows, reason }) => {
    if (rows === '0') return [];
    const number =
      rows === null
        ? `Rows of table ${schema}.${name}, not counted (${reason})`
        : `${countOf(rows, 'row')} of table ${schema}.${name}`;
    return [`${number}: ${whyLeftOut(extension)}`];
  });
}
