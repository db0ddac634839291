import { LifeboatError } from '../../errors.ts';
import type { AcceptedMissingRows } from '../../proof/circumstances.ts';
import { globExpression, parseLines, quote } from '../../text.ts';

/** `schema.table # reason`; `*` stands for any characters. */
const LINE = /^(?<table>[^#]*[^#\s])\s*#\s*(?<reason>\S.*)$/u;

/** Tables of extensions whose rows a dump cannot hold and that come from elsewhere, one a line, each with its reason. */
export function parseMissingRows(text: string): AcceptedMissingRows[] {
  return parseLines(text, (line) => {
    const { table, reason } = LINE.exec(line)?.groups ?? {};
    if (table === undefined || reason === undefined) {
      throw new LifeboatError(
        `${quote(line)} has no reason. Write the table, # and where its rows come from, such as: pgmq.q_mail # filled again by the application.`,
      );
    }
    if (!table.includes('.')) {
      throw new LifeboatError(`${quote(table)} has no schema. Write schema.table, such as pgmq.q_mail or pgmq.*`);
    }
    const expression = globExpression(table);
    return { reason, matches: ({ schema, name }) => expression.test(`${schema}.${name}`) };
  });
}
