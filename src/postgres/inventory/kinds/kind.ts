import { quoteLiteral } from '../../session/session.ts';

/** How the objects of one kind are found in the catalogs: pieces of SQL, of which objects.ts makes the query. */
export interface Kind {
  /** The catalog of which a row is an object. */
  catalog: string;
  /** What follows FROM; the row of the catalog is `o`. */
  from: string;
  /** The rows that pg_dump dumps, whoever they belong to. */
  where?: string;
  /** The object's oid; default `o.oid`. */
  oid?: string;
  /** The number of the column, for columns. */
  column?: string;
  /** The oid of its owner. Without it the object belongs to the owner of the one that it is a part of. */
  owner?: string;
  acl?: { items: string; byDefault: string };
  /** Without it every row is the user's. */
  home?: Home;
  /** Its identity, when the server's own, `i.identity`, is another in another version. */
  identity?: string;
  /** Its comment is not dumped under this condition. */
  withoutComment?: string;
  /** Expressions by flag; a flag that is null is left out. */
  flags: Record<string, string>;
}

/** What tells whether an object is the user's, an extension's or the system's. */
export interface Home {
  /** The oid of its schema. Without it the object is the system's when initdb made it. */
  schema?: string;
  /** The object that can be a member of an extension: itself, or the one that it is a part of. */
  catalog: string;
  oid: string;
}

/** A boolean as a flag that is there only when true. */
export function trueOrNull(condition: string): string {
  return `nullif(${condition}, false)`;
}

/** One of a catalog's letters as a word; a letter that is not given is the default, and left out. */
export function wordForLetter(letter: string, words: Record<string, string>): string {
  const cases = Object.entries(words).map(([is, means]) => `when '${is}' then '${means}'`);
  return `case ${letter} ${cases.join(' ')} end`;
}

/** The rows of a query with one column as a JSON list in a text; null when there are none. */
export function jsonList(query: string): string {
  return `nullif(pg_catalog.to_json(array(${query}))::pg_catalog.text, '[]')`;
}

/** A text[] in the order of its items' bytes: reloptions and the like, whose order means nothing. */
export function sortedList(items: string): string {
  return unlessNull(
    items,
    jsonList(`select item collate pg_catalog."C" from pg_catalog.unnest(${items}) item order by 1`),
  );
}

/** Names may be in quotes or not: quote_all_identifiers was on when the server wrote the text, or it was off. */
export function withoutQuotes(text: string): string {
  return `pg_catalog.replace(${text}, '"', '')`;
}

/** The names of options without their values, which may be a password. */
export function optionNames(options: string): string {
  return unlessNull(
    options,
    jsonList(`select option_name collate pg_catalog."C" from pg_catalog.pg_options_to_table(${options}) order by 1`),
  );
}

/** A hundred thousand columns have no options: spares as many sorts of nothing. */
function unlessNull(value: string, expression: string): string {
  return `case when ${value} is not null then ${expression} end`;
}

/** The columns of a table that an int2vector or int2[] names, in its order; null stands for an expression. */
export function columnNames(table: string, numbers: string): string {
  return jsonList(`
    select a.attname from pg_catalog.unnest(${numbers}::pg_catalog.int2[]) with ordinality as k (number, place)
    left join pg_catalog.pg_attribute a on a.attrelid = ${table} and a.attnum = k.number and k.number <> 0
    order by k.place`);
}

/** The name, with schema and arguments, behind an oid; null for none. */
export function nameOfOid(
  oid: string,
  type: 'regclass' | 'regtype' | 'regcollation' | 'regoperator' | 'regprocedure',
): string {
  return `nullif(${oid}::pg_catalog.oid, 0)::pg_catalog.${type}::pg_catalog.text`;
}

/**
 * The text of an expression that is a literal, or a function of literals: it comes back as it is. Another expression
 * can be the same though a restore or another version writes it differently (a cast of an array moves to its elements).
 */
export function simpleExpression(text: string): string {
  return `case when ${text} ~ ${quoteLiteral(SIMPLE)} then ${text} end`;
}

const LITERAL = `(('([^']|'')*'|-?[0-9.]+|NULL)(::[a-zA-Z0-9_ ."]+(\\([0-9,]+\\))?(\\[\\])?)?|true|false)`;
const SIMPLE = `^(${LITERAL}|[A-Z_]+|[a-zA-Z0-9_."]+\\((${LITERAL}(, ${LITERAL})*)?\\))$`;
