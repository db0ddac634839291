import { describe, expect, test } from '@jest/globals';
import { parseSchemaNames, parseTableNames } from '../../../../src/inputs/values/relation-names.ts';

const table = (schema: string | null, name: string) => ({ schema, name });

describe('tables', () => {
  test.each([
    ['one', 'orders', [table(null, 'orders')]],
    ['with its schema', 'app.orders', [table('app', 'orders')]],
    ['capitals are small letters, as in SQL', 'App.ORDERS', [table('app', 'orders')]],
    [
      'letters of other languages',
      'größen.ÜBERSICHT',
      [
        table(
          'größen',
          'ÜBERSICHT'.replace(/[A-Z]/g, (a) => a.toLowerCase()),
        ),
      ],
    ],
    ['in quotes', '"odd.Schema"."x y"', [table('odd.Schema', 'x y')]],
    ['quotes within quotes', '"a ""b"" c"."d"', [table('a "b" c', 'd')]],
    ['blanks around', '  app . "Orders"  ', [table('app', 'Orders')]],
    ['several, with comments and empty lines', '# core\na\r\n\n  # more\nb.c', [table(null, 'a'), table('b', 'c')]],
    ['a line break, a comment and a comma in a name', 's."a\n# b, c"\nd', [table('s', 'a\n# b, c'), table(null, 'd')]],
    ['nothing', '', []],
  ])('%s', (_, text, expected) => {
    expect(parseTableNames(text)).toEqual(expected);
  });

  test.each([
    ['a pattern', 'app.order_*', /^"app\.order_\*" is not the name of a table\. Patterns are not known here\./],
    ['several on a line', 'a, b', /^"a, b" is not the name of a table\. Write schema\.table, one a line/],
    ['three parts', 'db.app.orders', /^"db\.app\.orders" is not the name/],
    ['a name that needs quotes', 'order-lines', /in double quotes what is not plain/],
    ['a quote that is not closed', '"orders', /^"\\"orders" is not the name/],
    ['an empty name', 'app.""', /is not the name/],
    ['comments alone', '# orders', /^it names nothing/],
    ['two bad lines are told both', 'a b\nc\nd e', /^"a b" .*\n"d e" /],
  ])('%s is an error', (_, text, says) => {
    expect(() => parseTableNames(text)).toThrow(says);
  });
});

test('schemas', () => {
  expect(parseSchemaNames('app\n"Odd ""S"" x.y"')).toEqual(['app', 'Odd "S" x.y']);
  expect(() => parseSchemaNames('app.orders')).toThrow(
    /^"app\.orders" is not the name of a schema\. Write schema, one/,
  );
});
