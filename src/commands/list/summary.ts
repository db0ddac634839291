import type { ListedBackup } from '../../formats/listing.ts';
import { MANIFEST_FILE } from '../../formats/names.ts';
import { escapeHtml } from '../../report/escape.ts';
import { htmlTable, markdownList } from '../../report/markup.ts';
import { textTable } from '../../report/text-table.ts';
import { formatAge, formatBytes, formatCount } from '../../units.ts';
import { type ListedSet, type ListedStore, type ListReport, newestOf } from './report.ts';

/** How many backups of a set are shown; the report has all. */
const MOST_IN_LOG = 500;
const MOST_IN_SUMMARY = 50;

const HEAD = ['Backup', 'Age', 'Stored', 'Last restore test', 'Signed', 'Held', 'Parts', 'Note'];

/** The listing for the log: for each set first which backup to use, then all as aligned text. */
export function listLines({ name, stores }: ListReport): string[] {
  return stores.flatMap((store) => [
    '',
    `Store ${store.url}`,
    ...(store.error === null ? [] : [`  FAILED: ${store.error}`]),
    ...store.sets.flatMap((set) => ['', ...setLines(set).map((line) => `  ${line}`)]),
    ...remarksOf(store, name).map((remark) => `  ${remark}`),
  ]);
}

function setLines({ name, backups }: ListedSet): string[] {
  const shown = newestOf(backups, MOST_IN_LOG);
  return [
    `Set ${name}: ${countOf(backups)}`,
    ...adviceFor(backups).map((line) => `  ${line}`),
    ...textTable([HEAD, ...shown.map(cellsOf)])
      .split('\n')
      .map((line) => `  ${line}`),
    ...hiddenBackupsLine(backups, shown),
  ];
}

/** The job summary of a listing. */
export function listSummary({ name, stores }: ListReport, notes: string[]): string {
  const failed = stores.filter(({ error }) => error !== null).length;
  const headline = failed === 0 ? '## Backups' : `## ❌ ${failed} of ${stores.length} stores could not be listed`;
  return [
    headline,
    ...stores.flatMap((store) => [
      `### ${escapeHtml(store.url)}`,
      ...(store.error === null ? [] : [`❌ ${escapeHtml(store.error)}`]),
      ...store.sets.flatMap(setSummary),
      remarksOf(store, name).map(escapeHtml).join('<br>\n'),
    ]),
    ...notes.map(escapeHtml),
    'This is what names and sizes say: nothing was read, and no signature was checked.',
    '',
  ].join('\n\n');
}

function setSummary({ name, backups }: ListedSet): string[] {
  const shown = newestOf(backups, MOST_IN_SUMMARY);
  const rows = shown.map((backup) => {
    const [id = '', ...others] = cellsOf(backup).map(escapeHtml);
    const marked = backup.newestComplete || backup.newestProven ? `<b><code>${id}</code></b>` : `<code>${id}</code>`;
    return [symbolOf(backup), marked, ...others];
  });
  return [
    `#### Set ${escapeHtml(name)}: ${countOf(backups)}`,
    markdownList(adviceFor(backups), ''),
    htmlTable(['', ...HEAD], rows),
    ...hiddenBackupsLine(backups, shown),
  ];
}

function countOf(backups: ListedBackup[]): string {
  const complete = backups.filter((backup) => backup.complete).length;
  const size = formatBytes(backups.reduce((sum, backup) => sum + backup.size, 0));
  return `${formatCount(complete)} complete ${complete === 1 ? 'backup' : 'backups'}, ${size} stored`;
}

/** Which backup to use: what a user who has lost a database reads first. */
function adviceFor(backups: ListedBackup[]): string[] {
  const newest = backups.find(({ newestComplete }) => newestComplete);
  const proven = backups.find(({ newestProven }) => newestProven);
  if (newest === undefined) return ['There is no complete backup.'];
  if (newest === proven) return [`Newest complete and newest proven: ${describeBackup(newest)}`];
  return [
    `Newest complete: ${describeBackup(newest)}`,
    proven === undefined ? 'None is proven: no restore test has passed.' : `Newest proven:   ${describeBackup(proven)}`,
  ];
}

function describeBackup({ id, ageSeconds, size, lastTest }: ListedBackup): string {
  const test = {
    none: 'not tested yet',
    proven: 'its last restore test passed',
    failed: 'ITS LAST RESTORE TEST FAILED',
    'could-not-verify': 'its last restore test could not verify it',
  }[lastTest?.verdict ?? 'none'];
  return `${id}, ${formatAge(ageSeconds)} old, ${formatBytes(size)}, ${test}`;
}

function symbolOf({ complete, fromFuture, newestProven, newestComplete, lastTest }: ListedBackup): string {
  if (!complete || lastTest?.verdict === 'failed') return '❌';
  if (fromFuture) return '⚠️';
  if (newestProven) return '✅';
  return newestComplete ? '👉' : '';
}

/** In the order of HEAD, as plain text. */
function cellsOf(backup: ListedBackup): string[] {
  const { id, ageSeconds, size, lastTest, signed, held, fromFuture, parts } = backup;
  return [
    id,
    fromFuture ? '?' : formatAge(ageSeconds),
    formatBytes(size),
    lastTest === null ? 'none' : `${lastTest.verdict}, ${lastTest.time.slice(0, 16).replace('T', ' ')} UTC`,
    signed ? 'signed' : 'no',
    held ? 'held' : 'no',
    parts.map(({ name, volumes }) => (volumes === 1 ? name : `${name} (${volumes} volumes)`)).join(', ') || 'none',
    notesOf(backup).join('; '),
  ];
}

function notesOf({ newestComplete, newestProven, fromFuture, missing }: ListedBackup): string[] {
  const noManifest = missing.includes(MANIFEST_FILE);
  return [
    ...(newestComplete ? ['<- NEWEST COMPLETE'] : []),
    ...(newestProven ? ['<- NEWEST PROVEN'] : []),
    ...(noManifest ? ['not complete: no manifest'] : []),
    ...(!noManifest && missing.length > 0 ? [`NOT COMPLETE: ${missing.join(', ')} missing`] : []),
    ...(fromFuture ? ['from the future: check the clock of the machine that made it'] : []),
  ];
}

function hiddenBackupsLine(backups: ListedBackup[], shown: ListedBackup[]): string[] {
  const left = backups.length - shown.length;
  return left === 0 ? [] : [`… and ${formatCount(left)} older, see the JSON report.`];
}

function remarksOf({ error, sets, otherFolders, ignored }: ListedStore, name: string | null): string[] {
  const none = name === null ? 'There are no backups here.' : `There are no backups of set ${name} here.`;
  const others = `Sets may be: ${otherFolders.slice(0, 20).join(', ')}${otherFolders.length > 20 ? ', …' : ''}.`;
  const what = [
    ...(ignored.folders === 0 ? [] : [`${formatCount(ignored.folders)} other folders`]),
    ...(ignored.objects === 0 ? [] : [`${formatCount(ignored.objects)} other objects in the sets' folders`]),
  ];
  return [
    ...(error === null && sets.length === 0 ? [none] : []),
    ...(otherFolders.length === 0 ? [] : [others]),
    ...(what.length === 0 ? [] : [`Ignored, for they are not Lifeboat's: ${what.join(', ')}.`]),
  ];
}
