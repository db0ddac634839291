import { escapeHtml } from '../../report/escape.ts';
import { treeSize } from '../../report/file-trees.ts';
import { htmlTable, markdownList } from '../../report/markup.ts';
import { mermaidCharts } from '../../report/trend-chart.ts';
import { formatBytes, formatCount, formatDuration } from '../../units.ts';
import { outcomeOf } from '../prune/summary.ts';
import type { BackupReport } from './report.ts';

const MOST_DELETED = 20;

export const SUPERUSER_WARNING =
  "The role that makes the backups is a superuser. If a backup ever runs code that a user of the database has put into a table, an index or a function, that user gets every right on the server, programs and files of its machine included. Lifeboat avoids all ways that are known, and so does pg_dump; a role with few rights limits the others: docs/backup.md, 'The role'.";

/** The job summary of a backup that has at least one store. HTML tables, for names can hold anything. */
export function backupSummary(report: BackupReport): string {
  const good = report.stores.filter(({ error }) => error === null);
  const verdict =
    good.length === report.stores.length
      ? `✅ Backup <code>${report.id}</code> is complete`
      : `❌ Backup <code>${report.id}</code> is missing in ${report.stores.length - good.length} of ${report.stores.length} stores`;
  return [
    `## ${verdict}`,
    htmlTable([], overviewRows(report)),
    '### Stores',
    htmlTable(['Store', 'Result', 'Previous backup'], report.stores.map(storeRow)),
    ...retentionOf(report),
    ...(report.trend === null ? [] : mermaidCharts(report.trend)),
    '### Time',
    htmlTable(
      ['Stage', 'Duration'],
      report.stages.map(({ name, milliseconds }) => [escapeHtml(name), formatDuration(milliseconds)]),
    ),
    '### Parts',
    htmlTable(
      ['Part', 'Plain', 'Stored', 'Volumes'],
      report.parts.map(({ name, plain, stored, volumes }) => [
        escapeHtml(name),
        formatBytes(plain),
        formatBytes(stored),
        String(volumes),
      ]),
    ),
    ...treesOf(report),
    `### Largest tables (${Math.min(report.largestTables.length, report.tables)} of ${formatCount(report.tables)})`,
    htmlTable(
      ['Table', 'Rows', 'Size in the database'],
      report.largestTables.map(({ schema, name, rows, bytes }) => [
        `${escapeHtml(schema)}.${escapeHtml(name)}`,
        rows === null ? 'not counted' : formatCount(rows),
        formatBytes(bytes),
      ]),
    ),
    ...countedInDump(report),
    '### Not in this backup',
    markdownList(report.notIncluded, 'Nothing was left out.'),
    '',
  ].join('\n\n');
}

/** Tables of which there is one count instead of two. */
function countedInDump({ countedInDump: tables }: BackupReport): string[] {
  if (tables.length === 0) return [];
  return [
    '### Rows counted in the dump alone',
    "A query on these tables would run code of the database's users, so none was made.",
    markdownList(
      tables.map(({ schema, name, reason }) => `${schema}.${name}: ${reason}`),
      '',
    ),
  ];
}

/** The file trees beside the database. */
function treesOf({ files }: BackupReport): string[] {
  if (files.length === 0) return [];
  const rows = files.map((tree) => [escapeHtml(tree.label), treeSize(tree), tree.notes.map(escapeHtml).join('<br>')]);
  return ['### File trees', htmlTable(['Tree', 'Stored', 'Notes'], rows)];
}

/** What became of older backups; their lists are in the JSON report. */
function retentionOf({ stores }: BackupReport): string[] {
  const rows = stores.flatMap(({ url, retention }) => {
    if (retention === null) return [];
    const { error, refusals, backups } = retention;
    const deleted = backups.filter((backup) => backup.deleted).map(({ id }) => `<code>${escapeHtml(id)}</code>`);
    const shown = [...deleted.slice(0, MOST_DELETED), ...(deleted.length > MOST_DELETED ? ['…'] : [])].join('<br>');
    return [
      [
        escapeHtml(url),
        [outcomeOf(retention), ...refusals, ...(error === null ? [] : [error])].map(escapeHtml).join('<br>'),
        shown,
      ],
    ];
  });
  return rows.length === 0 ? [] : ['### Retention', htmlTable(['Store', 'Older backups', 'Deleted'], rows)];
}

function overviewRows(report: BackupReport): string[][] {
  const { encryption } = report;
  const dataSeconds = (report.stages.find(({ name }) => name === 'data')?.milliseconds ?? 0) / 1000;
  const data = report.parts.find(({ name }) => name === 'data');
  return [
    [
      'Database',
      `${escapeHtml(report.database)} (${formatBytes(report.databaseSize)}, PostgreSQL ${escapeHtml(report.serverVersion)})`,
    ],
    ['Set', escapeHtml(report.name)],
    ['Started', report.created],
    ['Duration', formatDuration(report.duration)],
    [
      'Throughput',
      dataSeconds > 0 ? `${formatBytes((data?.plain ?? 0) / dataSeconds)}/s of dump` : 'too short to tell',
    ],
    ['Stored', `${formatBytes(report.storedSize)} (dump ${formatBytes(report.plainSize)})`],
    ['Tables', formatCount(report.tables)],
    ['Rows', formatCount(report.rows)],
    [
      'Also recorded',
      `${formatCount(report.objects)} schema objects, ${formatCount(report.sequences)} sequences, ${formatCount(report.largeObjects)} large objects`,
    ],
    [
      'Encrypted',
      encryption.kind === 'passphrase'
        ? 'with a passphrase'
        : `for ${encryption.recipients.map((fingerprint) => `<code>${fingerprint}</code>`).join(', ')}`,
    ],
    ['Signed', report.signed ? 'yes' : 'no'],
  ];
}

function storeRow(store: BackupReport['stores'][number]): string[] {
  if (store.error !== null) return [escapeHtml(store.url), `❌ ${escapeHtml(store.error)}`, ''];
  const uploaded =
    store.uploaded === 'read-back' ? '✅ sizes read back' : '✅ acknowledged (these credentials may not read)';
  const locked = store.lockedUntil === null ? '' : `, locked until ${store.lockedUntil}`;
  return [escapeHtml(store.location), `${uploaded}${locked}`, previousCell(store)];
}

function previousCell({ previous, noPrevious }: BackupReport['stores'][number]): string {
  if (previous) return `<code>${escapeHtml(previous.id)}</code>`;
  if (noPrevious === 'first') return 'none: this is the first';
  return `not known (${noPrevious === 'cannot-list' ? 'may not list' : 'may not read'})`;
}
