import { escapeHtml } from './escape.ts';

/** An HTML table; cells are HTML already. Without a head its first column names the second. */
export function htmlTable(head: string[], rows: string[][]): string {
  const cells = (row: string[], tag: string) => row.map((cell) => `<${tag}>${cell}</${tag}>`).join('');
  const headRow = head.length === 0 ? '' : `<tr>${cells(head, 'th')}</tr>\n`;
  return `<table>\n${headRow}${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n')}\n</table>`;
}

/** Lists longer than this are cut: a job summary over 1 MiB is dropped whole by the runner. */
const LONGEST_LIST = 50;

/** A list of texts from anywhere. */
export function markdownList(items: string[], none: string): string {
  if (items.length === 0) return none;
  const more = items.length > LONGEST_LIST ? [`… and ${items.length - LONGEST_LIST} more, see the JSON report`] : [];
  return [...items.slice(0, LONGEST_LIST), ...more].map((item) => `- ${escapeHtml(item)}`).join('\n');
}
