import { escapeHtml } from '../../report/escape.ts';
import { htmlTable, markdownList } from '../../report/markup.ts';
import { textTable } from '../../report/text-table.ts';
import { formatAge, formatBytes, formatCount } from '../../units.ts';
import type { LeftoverReport, PruneReport, RetainedBackup, StoreRetention } from './report.ts';

/** How many backups of a kind are shown; the report has all. */
const MOST_IN_LOG = 500;
const MOST_IN_SUMMARY = 100;

const HEAD = ['Backup', 'Age', 'Stored', 'Why'];

/** What prune has done or would do, for the log: for each store what goes, then what stays, as aligned text. */
export function pruneLines({ stores }: PruneReport): string[] {
  return stores.flatMap((store) => [
    '',
    `Store ${store.url}${store.name === null ? '' : `, set ${store.name}`}: ${outcomeOf(store)}`,
    ...remarksOf(store).map((remark) => `  ${remark}`),
    ...sectionsOf(store).flatMap(({ title, rows }) => [
      '',
      `  ${title}`,
      ...textTable([HEAD, ...rows.slice(0, MOST_IN_LOG).map(cellsOf)])
        .split('\n')
        .map((line) => `    ${line}`),
      ...olderRowsLine(rows, MOST_IN_LOG).map((line) => `    ${line}`),
    ]),
    '',
    ...leftoverLines(store.leftovers).map((line) => `  ${line}`),
  ]);
}

/** The job summary of a prune. */
export function pruneSummary(report: PruneReport): string {
  const bad = report.stores.filter(({ outcome }) => outcome === 'refused' || outcome === 'failed').length;
  const good = report.dryRun ? '## Dry run: nothing was deleted' : '## Retention';
  return [
    bad === 0 ? good : `## ❌ ${bad} of ${report.stores.length} stores were not pruned as planned`,
    ...report.stores.flatMap((store) => [
      `### ${escapeHtml(store.url)}${store.name === null ? '' : `, set ${escapeHtml(store.name)}`}`,
      escapeHtml(outcomeOf(store)),
      ...remarksOf(store).map((remark) => `⚠️ ${escapeHtml(remark)}`),
      ...sectionsOf(store).flatMap(({ title, rows }) => [
        `#### ${escapeHtml(title)}`,
        htmlTable(HEAD, rows.slice(0, MOST_IN_SUMMARY).map(htmlCells)),
        ...olderRowsLine(rows, MOST_IN_SUMMARY),
      ]),
      markdownList(leftoverLines(store.leftovers), ''),
    ]),
    '',
  ].join('\n\n');
}

/** What retention did, in a line: for a backup's summary, and above a prune's tables. */
export function outcomeOf({ outcome, backups, leftovers, rules }: StoreRetention): string {
  const goes = backups.filter(({ decision }) => decision === 'delete');
  const gone = goes.filter(({ deleted }) => deleted);
  const kept = formatCount(backups.filter(({ decision }) => decision === 'keep').length);
  const swept = leftovers.filter(({ deleted }) => deleted).length;
  const and = swept === 0 ? '' : `, ${swept} unfinished removed`;
  switch (outcome) {
    case 'planned':
      return `would keep ${kept} and delete ${countAndSize(goes)} (${rules})`;
    case 'nothing':
      return `keeps all ${kept} (${rules})`;
    case 'applied':
      return `kept ${kept}, deleted ${countAndSize(gone)}${and} (${rules})`;
    case 'refused':
      return `NOT APPLIED: would keep ${kept} and delete ${countAndSize(goes)} (${rules})`;
    case 'failed':
      return `FAILED: deleted ${countAndSize(gone)} of ${countAndSize(goes)}${and} (${rules})`;
  }
}

/** For the annotation: what stood against it, and what to do next. */
export function whyNotApplied({ url, error, refusals }: StoreRetention): string {
  if (error !== null) return `${url}: ${error}`;
  return `${url}: nothing was deleted: ${refusals.join('; ')}. Look at the plan; when it is right, run once with force: true.`;
}

function countAndSize(backups: RetainedBackup[]): string {
  if (backups.length === 0) return 'none';
  return `${formatCount(backups.length)}, ${formatBytes(backups.reduce((sum, { size }) => sum + size, 0))}`;
}

/** What went wrong, and what stands against the plan. */
function remarksOf({ error, refusals, record }: StoreRetention): string[] {
  return [
    ...(error === null ? [] : [error]),
    ...refusals.map((refusal) => `Against the plan: ${refusal}.`),
    ...(record === null ? [] : [`What was deleted is written down in ${record}.`]),
  ];
}

interface Section {
  title: string;
  rows: RetainedBackup[];
}

/** What goes comes first: it is what people must look at. */
function sectionsOf({ outcome, backups }: StoreRetention): Section[] {
  const goes = backups.filter(({ decision }) => decision === 'delete');
  const sections = [
    { title: 'Deleted', rows: goes.filter(({ deleted }) => deleted) },
    {
      title: outcome === 'planned' ? 'Would be deleted' : 'No rule keeps these, and they are still there',
      rows: goes.filter(({ deleted }) => !deleted),
    },
    { title: 'Kept', rows: backups.filter(({ decision }) => decision === 'keep') },
    {
      title: 'No good backups: not counted, not deleted',
      rows: backups.filter(({ decision }) => decision === 'ignored'),
    },
  ];
  return sections.filter(({ rows }) => rows.length > 0);
}

function cellsOf({ id, ageSeconds, size, reasons, notes }: RetainedBackup): string[] {
  return [id, formatAge(ageSeconds), formatBytes(size), [...reasons, ...notes].join('; ')];
}

function htmlCells(backup: RetainedBackup): string[] {
  const [id = '', ...others] = cellsOf(backup).map(escapeHtml);
  return [`<code>${id}</code>`, ...others];
}

function leftoverLines(leftovers: LeftoverReport[]): string[] {
  return leftovers.map(({ id, size, whyNot, deleted }) => {
    const what = `Unfinished ${id}, ${formatBytes(size)}`;
    if (whyNot !== null) return `${what}: stays, for ${whyNot}`;
    return deleted ? `${what}: removed` : `${what}: left by a run that failed`;
  });
}

function olderRowsLine(rows: RetainedBackup[], most: number): string[] {
  return rows.length <= most ? [] : [`… and ${formatCount(rows.length - most)} older, see the JSON report.`];
}
