/** Rows of cells, the first of them the heads, as lines of aligned columns; columns of numbers to the right. */
export function textTable(rows: string[][]): string {
  const columns = Array.from({ length: Math.max(...rows.map((row) => row.length)) }, (_, index) => {
    const cells = rows.map((row) => row[index] ?? '');
    const isNumeric = cells.slice(1).every((cell) => /^\d[\d.,]*( |$)/.test(cell));
    const columnWidth = Math.max(...cells.map(widthOf));
    return cells.map((cell) => {
      const padding = ' '.repeat(columnWidth - widthOf(cell));
      return isNumeric ? padding + cell : cell + padding;
    });
  });
  return rows
    .map((_, row) =>
      columns
        .map((cells) => cells[row])
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** In columns of a terminal: what people see as one character takes one, an emoji two. */
function widthOf(text: string): number {
  return [...new Intl.Segmenter().segment(text)].reduce(
    (sum, { segment }) => sum + (/\p{Emoji_Presentation}/u.test(segment) ? 2 : 1),
    0,
  );
}
