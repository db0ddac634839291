import { LifeboatError } from '../../errors.ts';
import type { Wanted } from '../../formats/inventory/selection.ts';
import { quote } from '../../text.ts';

/** A line, in which what stands in double quotes may have line breaks. */
const LINE = /(?:"(?:[^"]|"")*"|[^\r\n])+/g;
/** As SQL has it: in double quotes, or plain (PostgreSQL, 4.1.1). */
const NAME = '(?:"((?:[^"]|"")+)"|([\\p{L}_][\\p{L}\\p{N}_$]*))';
const TABLE = new RegExp(`^(?:${NAME}\\s*\\.\\s*)?${NAME}$`, 'u');
const SCHEMA = new RegExp(`^${NAME}$`, 'u');

/** Names of tables, one a line, with or without the schema. */
export function parseTableNames(text: string): Wanted['tables'] {
  return parseNames(text, (line) => {
    const [all, quotedSchema, schema, quotedName, name] = TABLE.exec(line) ?? [];
    if (all === undefined) throw notAName(line, 'a table', 'schema.table');
    const named = foldName(quotedName, name) ?? '';
    return { schema: foldName(quotedSchema, schema), name: named };
  });
}

/** Names of schemas, one a line. */
export function parseSchemaNames(text: string): string[] {
  return parseNames(text, (line) => {
    const [all, quoted, plain] = SCHEMA.exec(line) ?? [];
    if (all === undefined) throw notAName(line, 'a schema', 'schema');
    return foldName(quoted, plain) ?? '';
  });
}

/** Lines that begin with `#` are comments. Throws one error that tells every bad line. */
export function parseNames<T>(text: string, parse: (line: string) => T): T[] {
  const lines = (text.match(LINE) ?? []).map((line) => line.trim());
  const names: T[] = [];
  const problems: string[] = [];
  for (const line of lines) {
    if (line === '' || line.startsWith('#')) continue;
    try {
      names.push(parse(line));
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  if (problems.length > 0) throw new LifeboatError(problems.join('\n'));
  if (text !== '' && names.length === 0)
    throw new LifeboatError('it names nothing. Write one name a line, or leave it out.');
  return names;
}

/** Without quotes capitals are small letters, as in SQL. */
function foldName(quoted: string | undefined, plain: string | undefined): string | null {
  if (quoted !== undefined) return quoted.replaceAll('""', '"');
  return plain?.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) ?? null;
}

function notAName(line: string, what: string, form: string): LifeboatError {
  const why = /[*?%]/.test(line) ? 'Patterns are not known here. ' : '';
  return new LifeboatError(
    `${quote(line)} is not the name of ${what}. ${why}Write ${form}, one a line, and in double quotes what is not plain: "odd.Schema".`,
  );
}
