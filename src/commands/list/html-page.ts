import type { Result } from '../../formats/health/examine.ts';
import type { ListedBackup } from '../../formats/listing.ts';
import { escapeHtml } from '../../report/escape.ts';
import { htmlTable } from '../../report/markup.ts';
import { STATUS_WORDS } from '../../report/status-words.ts';
import { svgChart } from '../../report/svg-chart.ts';
import { type Measured, measureTrend, type Trend, type TrendPoint, type TrendTest } from '../../report/trend.ts';
import { chartsOf } from '../../report/trend-chart.ts';
import { formatAge, formatBytes, formatCount, formatDuration } from '../../units.ts';
import type { ListedSet } from './report.ts';

/** A set as a listing shows it, and what a check found of it. */
interface PageSet extends ListedSet {
  results?: Result[];
  newestProven?: string | null;
}

/** What the page shows: the report of a `list` or of a `check`. */
export interface PageReport {
  command: 'list' | 'check';
  name: string | null;
  finished: string;
  /** Of a check; in words alone, because not every printer has the signs. */
  verdict?: { kind: 'good' | 'open' | 'bad'; text: string };
  stores: { url: string; error: string | null; results?: Result[]; sets: PageSet[] }[];
}

/** Nothing is loaded, and nothing runs, whatever stands in the page. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

const STYLE = `
  body { font: 15px/1.45 system-ui, sans-serif; color: #1c2128; background: #fff; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; border-bottom: 2px solid #1c2128; overflow-wrap: anywhere; }
  h3 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; overflow-wrap: anywhere; }
  table { border-collapse: collapse; width: 100%; margin: .4rem 0 1rem; font-size: .88rem; }
  th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid #d0d7de; overflow-wrap: break-word; }
  .text { overflow-wrap: anywhere; }
  th { background: #f3f5f7; } .facts td:first-child { width: 16rem; color: #57606a; }
  figure { margin: .6rem 0; } figcaption { font-size: .88rem; color: #57606a; }
  svg { width: 100%; max-width: 40rem; } rect { fill: #2f6fb5; } line { stroke: #d0d7de; } text { font: 11px system-ui, sans-serif; fill: #57606a; }
  .bad { color: #b3261e; font-weight: 600; } .good { color: #1a6b33; font-weight: 600; } .open { color: #8a5a00; font-weight: 600; } .note { color: #57606a; font-size: .88rem; }
  @page { size: A4; margin: 15mm; }
  @media print { body { margin: 0; max-width: none; font-size: 10pt; } tr, figure { break-inside: avoid; } h2, h3 { break-after: avoid; } thead { display: table-header-group; } }
`;

/** A page for people, an auditor among them: one file that needs nothing else, to be kept and printed. */
export function htmlPage(report: PageReport, version: string): string {
  const made = report.finished;
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>PostgreSQL backups, ${made.slice(0, 10)}</title><style>${STYLE}</style></head><body>`,
    '<h1>PostgreSQL backups and their restore tests</h1>',
    factsTable([
      ['Generated', formatTime(made)],
      ['By', `Lifeboat ${escapeHtml(version)}, command ${report.command}`],
      ['Set', escapeHtml(report.name ?? 'every set of each store')],
      ['Stores', report.stores.map(({ url }) => breakableText(url)).join('<br>')],
      ['Period', periodOf(report)],
      ...(report.verdict === undefined ? [] : [['Result of the check', verdictOfCheck(report.verdict)]]),
    ]),
    ...report.stores.flatMap((store) => storeSection(store, made)),
    ...readingNotes(report),
    '</body></html>',
    '',
  ].join('\n');
}

function storeSection(store: PageReport['stores'][number], made: string): string[] {
  return [
    `<h2>Store ${escapeHtml(store.url)}</h2>`,
    ...(store.error === null ? [] : [`<p class="bad">It could not be read: ${escapeHtml(store.error)}</p>`]),
    ...(store.results === undefined ? [] : rulesTable(store.results)),
    ...(store.error === null && store.sets.length === 0 ? ['<p>There are no backups here.</p>'] : []),
    ...store.sets.flatMap((set) => setSection(set, made)),
  ];
}

function setSection(set: PageSet, made: string): string[] {
  const { name, backups, trend } = set;
  return [
    `<h3>Set ${escapeHtml(name)}</h3>`,
    factsTable(overviewRows(set, made)),
    ...(trend.missing === null ? [] : [`<p class="open">Not known: ${escapeHtml(trend.missing)}</p>`]),
    ...(set.results === undefined ? [] : rulesTable(set.results)),
    ...chartsOf(trend).map(svgChart),
    `<h3>Set ${escapeHtml(name)}: the last ${trend.backups.length} good backups</h3>`,
    headedTable(
      ['Backup', 'Begun', 'Stored', 'Duration', 'Since the one before', 'Last restore test', 'Time to restore'],
      trend.backups.toReversed().map(backupRow),
    ),
    `<h3>Set ${escapeHtml(name)}: restore tests</h3>`,
    ...testsOf(trend, backups),
  ];
}

/** What was promised is not known here; what was kept is. */
function overviewRows(set: PageSet, made: string): string[][] {
  const { backups, trend } = set;
  const newest = trend.backups.at(-1);
  const age = (created: string) => formatAge(Math.max(0, Date.parse(made) - Date.parse(created)) / 1000);
  const short = (backup: { id: string; created: string } | undefined) =>
    backup === undefined
      ? '<span class="bad">none</span>'
      : `<code>${escapeHtml(backup.id)}</code>, begun ${formatTime(backup.created)}, ${age(backup.created)} old`;
  const complete = backups.filter((backup) => backup.complete);
  return [
    ['Newest good backup', short(newest)],
    ['Newest proven backup', short(newestProven(set))],
    [
      'Backups',
      `${formatCount(complete.length)} complete, ${formatBytes(backups.reduce((sum, { size }) => sum + size, 0))} stored`,
    ],
    ...objectiveRows(measureTrend(trend), newest, age),
  ];
}

/** A check knows which records count; a list, those of the newest backups. */
function newestProven(set: PageSet): { id: string; created: string } | undefined {
  const { backups, trend } = set;
  if (set.newestProven !== undefined) return backups.find(({ id }) => id === set.newestProven);
  return (
    trend.backups.findLast(({ lastTest }) => lastTest?.verdict === 'proven') ??
    backups.slice(trend.backups.length).find((backup) => backup.newestProven)
  );
}

function objectiveRows(
  { largestGap, gaps, restoreTimes }: Measured,
  newest: TrendPoint | undefined,
  age: (created: string) => string,
): string[][] {
  const longest = Math.max(...restoreTimes.map((restore) => restore.time));
  return [
    [
      'RPO, measured',
      [
        newest === undefined ? '' : `now ${age(newest.created)} (age of the newest good backup)`,
        largestGap === null
          ? 'no gap between backups could be measured'
          : `at most ${formatAge(largestGap.gap / 1000)} between the starts of consecutive backups (${gaps} measured), before <code>${escapeHtml(largestGap.id)}</code>`,
      ]
        .filter((line) => line !== '')
        .join('<br>'),
    ],
    [
      'RTO, measured',
      restoreTimes[0] === undefined
        ? 'no time to restore is known'
        : `newest ${formatDuration(restoreTimes[0].time)}, longest ${formatDuration(longest)} (${restoreTimes.length} restore tests that passed)`,
    ],
  ];
}

function backupRow({ id, created, size, duration, gap, lastTest, restoreTime }: TrendPoint): string[] {
  return [
    `<code>${escapeHtml(id)}</code>`,
    formatTime(created),
    formatBytes(size),
    orUnknown(duration, formatDuration),
    orUnknown(gap, (milliseconds) => formatAge(milliseconds / 1000)),
    lastTest === null ? 'none' : `${verdictCell(lastTest.verdict)}, ${formatTime(lastTest.time)}`,
    orUnknown(restoreTime, formatDuration),
  ];
}

function testsOf({ tests }: Trend, backups: ListedBackup[]): string[] {
  if (tests.length === 0) return ['<p class="bad">There is none: no backup of this set is proven.</p>'];
  const signed = new Map(backups.map((backup) => [backup.id, backup.signed]));
  return [
    headedTable(
      ['Begun', 'Backup', 'Verdict', 'Time to restore', "Backup's signature", 'Scratch server', 'Record'],
      tests.map((test) => testRow(test, signed.get(test.id) ?? false)),
    ),
  ];
}

function testRow({ time: begun, id, verdict, record, problem }: TrendTest, isSigned: boolean): string[] {
  const signature = record?.signatureVerified
    ? 'verified in the test'
    : isSigned
      ? `there${record === null ? '' : ', not verified in the test'}`
      : 'not signed';
  const standing =
    problem !== null
      ? `<span class="bad">does not count: ${breakableText(problem)}</span>`
      : record === null
        ? 'not read'
        : 'read';
  return [
    formatTime(begun),
    `<code>${escapeHtml(id)}</code>`,
    verdictCell(verdict),
    orUnknown(record?.restoreTime ?? null, formatDuration),
    signature,
    record?.scratchServer ? `PostgreSQL ${breakableText(record.scratchServer)}` : '–',
    standing,
  ];
}

function verdictCell(verdict: TrendTest['verdict']): string {
  const kind = { proven: 'good', failed: 'bad', 'could-not-verify': 'open' }[verdict];
  return `<span class="${kind}">${verdict}</span>`;
}

function rulesTable(results: Result[]): string[] {
  if (results.length === 0) return [];
  const kinds = { passed: 'good', warning: 'open', failed: 'bad', 'not-evaluated': 'open', off: 'note' };
  return [
    headedTable(
      ['Rule', 'Result', 'What was found', 'What to do'],
      results.map(({ rule, status, found, next }) => [
        escapeHtml(rule),
        `<span class="${kinds[status]}">${STATUS_WORDS[status].word}</span>`,
        found.map(breakableText).join('<br>'),
        breakableText(next ?? ''),
      ]),
    ),
  ];
}

function verdictOfCheck({ kind, text }: NonNullable<PageReport['verdict']>): string {
  return `<span class="${kind}">${escapeHtml(text)}</span>`;
}

function readingNotes({ command }: PageReport): string[] {
  const notes = [
    'A good backup is one that is whole as far as names, sizes and its manifest tell. It is proven when a restore test has put it into a throwaway PostgreSQL and found it equal to what was dumped.',
    'RPO is what could have been lost: the time from the start of one backup to the start of the next. A manifest names the backup before it, so that what was pruned later leaves no gap.',
    'RTO is the time from the first byte fetched to the last index built, on the scratch server of the test, without the comparison.',
    'Of the newest 30 backups and the newest 30 restore tests the contents were read; of the others, names and sizes.',
    command === 'check'
      ? 'Signatures were verified when the check was given a verification-key: then what is not signed by it does not count.'
      : 'No signature was verified here: who can write the store can write what stands here. The command check, given a verification-key, verifies them.',
  ];
  return [
    '<h2>How to read this</h2>',
    `<ul class="note">${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('\n')}</ul>`,
  ];
}

/** Of the good backups. */
function periodOf({ stores }: PageReport): string {
  const begun = stores
    .flatMap(({ sets }) => sets.flatMap(({ trend }) => trend.backups.map(({ created }) => created)))
    .sort();
  const [first, last] = [begun[0], begun.at(-1)];
  return first === undefined || last === undefined ? 'no good backup' : `${formatTime(first)} to ${formatTime(last)}`;
}

/** `2026-11-21 02:00:00 UTC`, of a time in ISO 8601. */
function formatTime(iso: string): string {
  return escapeHtml(`${iso.slice(0, 19).replace('T', ' ')} UTC`);
}

/** Text that may be long and without a blank: it must not push the table out of the page. */
function breakableText(text: string): string {
  return `<span class="text">${escapeHtml(text)}</span>`;
}

function orUnknown(value: number | null, format: (value: number) => string): string {
  return value === null ? '–' : format(value);
}

function factsTable(rows: string[][]): string {
  return htmlTable([], rows).replace('<table>', '<table class="facts">');
}

/** With a head that is repeated on every printed page. */
function headedTable(head: string[], rows: string[][]): string {
  return htmlTable(head, rows).replace('<tr><th>', '<thead><tr><th>').replace('</th></tr>', '</th></tr></thead>');
}
