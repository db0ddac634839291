import { escapeHtml } from '../../report/escape.ts';
import { htmlTable, markdownList } from '../../report/markup.ts';
import { countOf, formatBytes, formatCount, formatDuration } from '../../units.ts';
import type { RestoreTestReport } from './report.ts';

/** How many tables are listed when all are well; those that differ come first, always. */
const MOST_TABLES = 20;

const HEADLINES: Record<RestoreTestReport['verdict'], string> = {
  proven: '✅ Proven',
  failed: '❌ Failed',
  'could-not-verify': '⚠️ Could not verify',
};

const ISOLATIONS: Record<NonNullable<RestoreTestReport['isolation']>, string> = {
  container: 'container',
  bubblewrap: 'bubblewrap',
  'another user': 'another user',
  none: '⚠️ none: code in the backup ran with the rights of this job. Set <code>scratch-image</code>, or install bubblewrap.',
};

/** One line: what was found, and what to do. */
export function verdictMessage(report: RestoreTestReport): string {
  const { verdict, id, findings, missed, tables, restoreTime } = report;
  const late = missed.map((text) => ` ${text}`).join('');
  if (verdict === 'proven') {
    const rows = tables.reduce((sum, { restored }) => sum + BigInt(restored ?? 0), 0n);
    const time = restoreTime === null ? '' : `, restored in ${formatDuration(restoreTime)}`;
    return `Backup ${id} is proven: ${countOf(rows, 'row')} in ${countOf(tables.length, 'table')} equal what was dumped${time}.${late}`;
  }
  const [first] = findings;
  const more = findings.length > 1 ? ` And ${formatCount(findings.length - 1)} more, see the job summary.` : '';
  const found = first === undefined ? '' : ` ${first.kind} ${first.object}: ${first.message}`;
  return `Backup ${id} ${whatIsWrong(report)}.${found}${more}${late}`;
}

function whatIsWrong({ verdict, findings }: RestoreTestReport): string {
  if (verdict === 'could-not-verify') return 'could not be verified here';
  const [first] = findings;
  if (first?.kind === 'key') return 'cannot be opened with what was given';
  if (first?.kind === 'manifest' || first?.kind === 'part') return 'is not what was stored';
  return 'is not what was dumped';
}

/** The job summary of a restore test: the verdict first. */
export function restoreTestSummary(report: RestoreTestReport): string {
  const sections = [
    `## ${HEADLINES[report.verdict]}: backup <code>${escapeHtml(report.id)}</code>`,
    escapeHtml(verdictMessage(report)),
    ...(report.findings.length === 0 ? [] : ['### What was found', findingsTable(report.findings)]),
    ...(report.missed.length === 0 ? [] : ['### Objectives that were missed', markdownList(report.missed, '')]),
    htmlTable([], overviewRows(report)),
    '### Tables',
    tablesTable(report.tables),
    '### Time',
    htmlTable(
      ['Stage', 'Duration'],
      report.stages.map(({ name, milliseconds }) => [escapeHtml(name), formatDuration(milliseconds)]),
    ),
    '### Verified',
    markdownList(report.verified, 'Nothing was verified.'),
    '### Not verified',
    markdownList(report.notVerified, 'Nothing was left unverified.'),
    '',
  ];
  return sections.join('\n\n');
}

export function findingsTable(findings: RestoreTestReport['findings']): string {
  const shown = findings
    .slice(0, 50)
    .map(({ severity, kind, object, message }) => [
      severity === 'failed' ? '❌' : '⚠️',
      escapeHtml(kind),
      escapeHtml(object),
      message.split('\n').map(escapeHtml).join('<br>'),
    ]);
  const more = findings.length > 50 ? `\n\n… and ${formatCount(findings.length - 50)} more, see the JSON report.` : '';
  return htmlTable(['', 'Kind', 'Object', 'What was found'], shown) + more;
}

function overviewRows(report: RestoreTestReport): string[][] {
  const bytes = (size: number | null) => (size === null ? 'not known' : formatBytes(size));
  const signature = report.signatureVerified
    ? 'verified'
    : report.signed
      ? 'there, not looked at (no verification-key)'
      : 'not signed';
  return [
    ['Database', escapeHtml(report.database ?? 'not known')],
    ['Set', escapeHtml(report.name)],
    ['Backup made', report.created === null ? 'not known' : escapeHtml(report.created)],
    ['Store', escapeHtml(report.store)],
    ['Source', `PostgreSQL ${escapeHtml(report.sourceVersion ?? 'not known')}`],
    ['Restored into', report.scratchServer === null ? 'nothing' : `PostgreSQL ${escapeHtml(report.scratchServer)}`],
    ...(report.isolation === null ? [] : [['Isolation', ISOLATIONS[report.isolation]]]),
    ...(report.keptDatabase === null ? [] : [['Kept for later steps', escapeHtml(report.keptDatabase)]]),
    ['Size', `${bytes(report.storedSize)} stored, dump ${bytes(report.plainSize)}`],
    ...(report.cachedSize === 0 ? [] : [['From the Actions cache', formatBytes(report.cachedSize)]]),
    ['Time to restore', report.restoreTime === null ? 'not known' : formatDuration(report.restoreTime)],
    ['Signature', signature],
    ['Record', recordCell(report)],
  ];
}

function recordCell({ records, cachedSize }: RestoreTestReport): string {
  if (cachedSize > 0) return 'none: it would speak of the store, and the cache was read';
  return records.map(({ file, error }) => escapeHtml(file ?? `not kept: ${error}`)).join('<br>');
}

export function tablesTable(tables: RestoreTestReport['tables']): string {
  const count = (rows: string | null) => (rows === null ? 'none' : formatCount(rows));
  const sorted = [...tables].sort(
    (a, b) => Number(a.equal) - Number(b.equal) || Number(BigInt(b.expected ?? 0) - BigInt(a.expected ?? 0)),
  );
  const shown = sorted
    .slice(0, MOST_TABLES)
    .map(({ schema, name, expected, restored, equal }) => [
      equal ? '✅' : '❌',
      `${escapeHtml(schema)}.${escapeHtml(name)}`,
      count(expected),
      count(restored),
    ]);
  const more =
    tables.length > MOST_TABLES ? `\n\n${formatCount(tables.length - MOST_TABLES)} more, see the JSON report.` : '';
  return htmlTable(['', 'Table', 'Rows expected', 'Rows restored'], shown) + more;
}
