/** What stays of a job summary when its values are taken out: headings, heads of tables, and what their rows are called. */
export function shapeOf(summary: string): string[] {
  return summary.split('\n').flatMap((line) => {
    const [heading] = /^#+ [^:]+/.exec(line) ?? [];
    if (heading !== undefined) return [heading];
    if (line.startsWith('<tr><th>')) return [line];
    const [, first = '✅'] = /^<tr><td>(.*?)<\/td>/.exec(line) ?? [];
    return first === '✅' ? [] : [first];
  });
}
