import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import ts from 'typescript';
import { kindsOf } from '../../../src/postgres/inventory/kinds/all.ts';
import { describedObjects, dumpedObjects, grantedObjects } from '../../../src/postgres/inventory/kinds/query.ts';

/*
 * Every name in our SQL has its schema, so that it means the same whatever the search_path is. Operators alone go by the
 * path (see own-settings.ts).
 */
const SOURCES = join(import.meta.dirname, '..', '..', '..', 'src');

/** Names without a schema, by the file that has them: the name, and why it has none. */
const EXCEPTIONS: Record<string, Record<string, string>> = {
  'postgres/snapshot/user-code.ts': { ancestor: 'a common table expression of the same statement' },
  'postgres/inventory/sequences.ts': { given: 'a common table expression of the same statement' },
  'postgres/session/session.ts': { lifeboat_rows: 'a cursor' },
};

/** What the grammar itself reads before a parenthesis, or after FROM (PostgreSQL, Appendix C). */
const KEYWORDS = new Set(
  `all and any array as by coalesce distinct end except exists filter from greatest in join lateral least not nullif on
   only or over row select then union values when where`.split(/\s+/),
);
/** Types that the grammar knows; it looks up every other one by its name. */
const GRAMMAR_TYPES = new Set(['bigint', 'boolean', 'int', 'integer', 'numeric', 'real', 'smallint']);

/** A string, a cast, a name with its schema, or another character. `§` stands for what a template puts in. */
const TOKEN = /'(?:[^']|'')*'|::|(?:"[^"]*"|[\w§]+)(?:\.(?:"[^"]*"|[\w§]+))*|\S/g;

/** The names in some SQL that PostgreSQL would look up in the search_path. */
function unqualifiedNames(sql: string): string[] {
  const tokens = [...sql.matchAll(TOKEN)].map(([token]) => token);
  return tokens.filter((token, index) => {
    const [before = '', beforeThat = ''] = [tokens[index - 1], tokens[index - 2]];
    const [next = '', afterNext = ''] = [tokens[index + 1], tokens[index + 2]];
    // The name in a string is looked up too: 'pg_class'::regclass.
    if (token.startsWith("'"))
      return next === '::' && /\.reg(class|proc|type|oper)/.test(afterNext) && !/\./.test(token);
    if (!/^[a-z_"]/.test(token) || /[.§]/.test(token) || KEYWORDS.has(token)) return false;
    if (before === '::') return !GRAMMAR_TYPES.has(token);
    if (before === 'from') return beforeThat !== 'distinct';
    if (before === 'join' || before === 'only' || before === 'collate') return true;
    // An alias with its columns is not a call: `from f() as t (a, b)`.
    return (next === '(' && before !== 'as') || token.startsWith('pg_');
  });
}

/** What stands between quotes in a source file. */
function literalsOf(source: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) found.push(node.text);
    if (ts.isTemplateExpression(node))
      found.push([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('§'));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest));
  return found;
}

/** A statement, or in src/postgres a piece of one. Sentences for people begin with a capital letter. */
function isSql(file: string, text: string): boolean {
  if (file === 'inputs/declarations.ts') return false; // Sentences, in pieces.
  if (/^\s*(select|delete|insert|update|fetch)\s/.test(text)) return true;
  return file.startsWith('postgres/') && /^\s*[^\sA-Z]/.test(text) && /\bselect\b|\bcollate\b|::|\w\(/.test(text);
}

function unqualifiedIn(file: string, source: string): string[] {
  return literalsOf(source)
    .filter((text) => isSql(file, text))
    .flatMap(unqualifiedNames);
}

function sourceFiles(): string[] {
  return readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
}

test('every name in the SQL of src/ has its schema', () => {
  const found = sourceFiles().flatMap((file) =>
    unqualifiedIn(file, readFileSync(join(SOURCES, file), 'utf8'))
      .filter((name) => EXCEPTIONS[file]?.[name] === undefined)
      .map((name) => `${file}: ${name}`),
  );
  expect(found).toEqual([]);
});

test('the exceptions are all needed', () => {
  const source = (file: string) => readFileSync(join(SOURCES, file), 'utf8');
  for (const [file, names] of Object.entries(EXCEPTIONS))
    expect(unqualifiedIn(file, source(file))).toEqual(expect.arrayContaining(Object.keys(names)));
});

// They are made of pieces, some of which do not look like SQL.
test.each([13, 14, 15, 16, 17, 18])('every name in the inventory of PostgreSQL %i has its schema', (major) => {
  const statements = kindsOf(major * 10_000, true).flatMap((kind) => [
    describedObjects(kind, dumpedObjects(kind), 'true'),
    ...(kind.acl && kind.home ? [describedObjects(kind, grantedObjects(kind, kind.acl, kind.home), 'true')] : []),
  ]);
  expect(statements.length).toBeGreaterThan(40);
  expect(statements.flatMap(unqualifiedNames)).toEqual([]);
});

test.each([
  ['a relation', 'select oid from pg_class', ['pg_class']],
  ['a joined relation', 'select 1 from pg_catalog.pg_class c left join pg_roles r on true', ['pg_roles']],
  ['a relation behind a comma', 'select 1 from pg_catalog.pg_class c, pg_roles r', ['pg_roles']],
  ['a relation of a user', 'select 1 from only orders', ['orders']],
  ['a call', 'select count(*), pg_catalog.max(oid) from pg_catalog.pg_class', ['count']],
  [
    'a call in FROM',
    'select n from generate_series(1, 2) as t (n) where n in (1) and exists (select)',
    ['generate_series'],
  ],
  ['a type', 'select oid::text[], relname::"char", 1::int from pg_catalog.pg_class', ['text', '"char"']],
  ['a collation', 'select relname collate "C" from pg_catalog.pg_class', ['"C"']],
  [
    'a name in a string',
    "select 'pg_class'::pg_catalog.regclass, 'pg_catalog.pg_class'::pg_catalog.regclass",
    ["'pg_class'"],
  ],
  ['nothing in a string', "select 'now() from pg_class'", []],
])('the scanner finds %s', (_, sql, names) => {
  const source = `session.query(\`${sql} limit \${LIMIT}\`)`;
  expect(unqualifiedIn('planted.ts', source)).toEqual(names);
});
