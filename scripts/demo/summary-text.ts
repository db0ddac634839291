import { textTable } from '../../src/report/text-table.ts';

/** A job summary, Markdown with HTML tables, as text for a terminal. */
export function summaryText(summary: string): string {
  return summary
    .replace(/<table>.*?<\/table>/gs, (table) => textTable(rowsOf(table)))
    .split('\n')
    .map((line) => plain(line.replace(/^(#+) (.*)$/, (_, marks, heading) => headingLine(marks, heading))))
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** The summary's beginning, until this heading. */
export function upTo(summary: string, heading: string): string {
  const at = summary.indexOf(`### ${heading}`);
  return at === -1 ? summary : summary.slice(0, at);
}

function rowsOf(table: string): string[][] {
  return [...table.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) =>
    [...row.matchAll(/<t[hd]>(.*?)<\/t[hd]>/gs)].map(([, cell = '']) => plain(cell)),
  );
}

function headingLine(marks: string, heading: string): string {
  return marks.length <= 2 ? heading : `— ${heading} —`;
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&' };

function plain(text: string): string {
  return text
    .replace(/<\/?(?:code|b|br)>/g, '')
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/&(lt|gt|quot|amp);/g, (_, name) => ENTITIES[name] ?? '');
}
