import type { Status } from '../../formats/health/rule.ts';
import { escapeHtml, oneLine } from '../../report/escape.ts';
import { htmlTable } from '../../report/markup.ts';
import { STATUS_WORDS } from '../../report/status-words.ts';
import { textTable } from '../../report/text-table.ts';
import { mermaidCharts } from '../../report/trend-chart.ts';
import { formatCount } from '../../units.ts';
import { headlineOf } from './headline.ts';
import { type CheckReport, type PlacedResult, resultsOf } from './report.ts';

/** How much of what a rule has found is shown; the report has all. */
const MOST_FOUND = 5;
const MOST_FOUND_IN_MESSAGE = 3;
/** How many rules an annotation tells of. */
const MOST_IN_MESSAGE = 5;
const MOST_IN_SUMMARY = 200;
/** Of how many sets there are charts: GitHub draws each in a frame of its own. */
const MOST_CHARTED = 5;

/** For the log: a line for each rule. */
export function checkLines(report: CheckReport): string[] {
  const asked = worstFirst(report).filter(({ status }) => status !== 'off');
  const rows = asked.map(({ status, rule, where, found }) => [
    STATUS_WORDS[status].word,
    rule,
    where,
    oneLine(shortenList(found, MOST_FOUND).join(' ')),
  ]);
  return ['', ...textTable([['Result', 'Rule', 'Where', 'What was found'], ...rows]).split('\n'), ...offLines(report)];
}

/** The job summary of a check: one table of all rules, the worst first. */
export function checkSummary(report: CheckReport, notes: string[]): string {
  const results = worstFirst(report).filter(({ status }) => status !== 'off');
  const rows = results
    .slice(0, MOST_IN_SUMMARY)
    .map(({ status, rule, where, found, next }) => [
      STATUS_WORDS[status].symbol,
      escapeHtml(rule),
      escapeHtml(where),
      shortenList(found, MOST_FOUND).map(escapeHtml).join('<br>'),
      escapeHtml(next ?? ''),
    ]);
  const left = results.length - rows.length;
  const { symbol, text } = headlineOf(report);
  return [
    `## ${symbol} ${escapeHtml(text)}`,
    htmlTable(['', 'Rule', 'Where', 'What was found', 'What to do'], rows),
    ...(left > 0 ? [`… and ${formatCount(left)} more, see the JSON report.`] : []),
    ...[...offLines(report), ...notes].map(escapeHtml),
    ...chartsOfSets(report),
    '',
  ].join('\n\n');
}

function chartsOfSets({ stores }: CheckReport): string[] {
  const sets = stores.flatMap(({ url, sets }) => sets.map((set) => ({ url, ...set })));
  return sets.slice(0, MOST_CHARTED).flatMap(({ url, name, trend }) => {
    const charts = mermaidCharts(trend);
    return charts.length === 0 ? [] : [`### Set ${escapeHtml(name)} in ${escapeHtml(url)}`, ...charts];
  });
}

/** For the annotation: what is wrong, where, and what to do; null when nothing is. */
export function checkMessage(report: CheckReport): string | null {
  if (report.result === 'passed') return null;
  const wrong = worstFirst(report).filter(({ status }) =>
    report.result === 'failed' ? status === 'failed' : status === 'warning' || status === 'not-evaluated',
  );
  const shown = wrong.slice(0, MOST_IN_MESSAGE).map(({ where, rule, status, found, next }) => {
    const what = status === 'not-evaluated' ? `${rule} could not be evaluated` : rule;
    return oneLine(`${where}: ${what}: ${[...shortenList(found, MOST_FOUND_IN_MESSAGE), next ?? ''].join(' ').trim()}`);
  });
  const left = wrong.length - shown.length;
  return [...shown, ...(left > 0 ? [`And ${left} more, see the job summary.`] : [])].join(' ');
}

function worstFirst({ stores }: CheckReport): PlacedResult[] {
  const order: Status[] = ['failed', 'warning', 'not-evaluated', 'passed', 'off'];
  return resultsOf(stores).sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
}

function shortenList(found: string[], most: number): string[] {
  const left = found.length - most;
  return left <= 0 ? found : [...found.slice(0, most), `… and ${formatCount(left)} more, see the JSON report.`];
}

/** What was not asked for, each rule once. */
function offLines({ stores }: CheckReport): string[] {
  const off = resultsOf(stores).filter(({ status }) => status === 'off');
  const rules = new Set(off.map(({ rule, found }) => `${rule} (${found.join(' ')})`));
  return rules.size === 0 ? [] : [`Not asked for: ${[...rules].join('; ')}.`];
}
