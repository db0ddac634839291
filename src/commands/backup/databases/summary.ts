import { escapeHtml } from '../../../report/escape.ts';
import { htmlTable } from '../../../report/markup.ts';
import { countOf, formatBytes, formatCount, formatDuration } from '../../../units.ts';
import { backupSummary } from '../summary.ts';
import { type DatabaseResult, type DatabasesReport, reportsOf, totalsOf } from './report.ts';

/** Characters: beyond it a database has its row, and no more. The runner drops a summary over 1 MiB whole. */
const MOST_DETAILS = 500_000;

const RESULTS: Record<DatabaseResult['outcome'], string> = {
  complete: '✅ complete',
  incomplete: '❌ not in every store',
  failed: '❌ failed',
  cancelled: '❌ cancelled',
  'not-begun': '❌ not begun',
};

/** The job summary of several databases: one table, then each by itself, folded. */
export function databasesSummary(report: DatabasesReport): string {
  const { databases, leftOut, duration } = report;
  const complete = databases.filter(({ outcome }) => outcome === 'complete').length;
  const { storedSize, rows, tables } = totalsOf(report);
  return [
    `## ${complete === databases.length ? '✅' : '❌'} ${complete} of ${databases.length} databases are backed up`,
    htmlTable(
      ['Database', 'Result', 'Stored', 'Rows', 'Duration'],
      [
        ...databases.map(rowOf),
        [
          'All',
          '',
          formatBytes(storedSize),
          `${formatCount(rows)} in ${countOf(tables, 'table')}`,
          formatDuration(duration),
        ],
      ],
    ),
    ...leftOut.map((name) => `Left out, because it holds no table: ${escapeHtml(name)}.`),
    ...detailsOf(databases),
    '',
  ].join('\n\n');
}

function rowOf({ database, outcome, error, report, duration }: DatabaseResult): string[] {
  const result = [RESULTS[outcome], ...(error === null ? [] : error.split('\n'))].map(escapeHtml).join('<br>');
  const took = outcome === 'not-begun' ? '' : formatDuration(duration);
  if (report === null) return [escapeHtml(database), result, '', '', took];
  return [escapeHtml(database), result, formatBytes(report.storedSize), formatCount(report.rows), took];
}

function detailsOf(databases: DatabaseResult[]): string[] {
  const folded: string[] = [];
  let length = 0;
  for (const report of reportsOf(databases)) {
    const text = `<details><summary>${escapeHtml(report.database)}</summary>\n\n${backupSummary(report)}\n</details>`;
    length += text.length;
    if (length > MOST_DETAILS) return [...folded, 'The details of further databases are in the JSON report alone.'];
    folded.push(text);
  }
  return folded;
}
