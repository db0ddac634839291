import { describe, expect, test } from '@jest/globals';
import type { ObjectFacts } from '../../../../src/formats/inventory/inventory.ts';
import { nameOf, relationOf } from '../../../../src/formats/inventory/relation.ts';

function object(type: string, identity: string, flags: ObjectFacts['flags'] = {}): ObjectFacts {
  return { type, identity, owner: null, acl: null, comment: null, securityLabels: [], flags };
}

describe('what belongs to which relation', () => {
  const odd = { schema: 'odd."s', name: 'a on b\n.c' };
  const quoted = '"odd.""s"."a on b\n.c"';
  test.each([
    ['a table', object('table', quoted)],
    ['a column', object('table column', `${quoted}."x.y"`)],
    ['a default', object('default value', `for ${quoted}.x`)],
    ['a constraint', object('table constraint', `"c on d.e" on ${quoted}`)],
    ['a policy', object('policy', `p on ${quoted}`)],
    ['a trigger', object('trigger', `"t"" on x" on ${quoted}`)],
    ['a member of a publication', object('publication relation', `${quoted} in publication "p" q`)],
    ['an index', object('index', 'odd.i', { table: quoted })],
    ['statistics', object('statistics object', 'odd.s', { table: quoted })],
  ])('%s', (_, part) => {
    expect(relationOf(part)).toEqual(odd);
  });

  test.each([
    ['a function', object('function', 'app.f(integer)')],
    ["a composite type's column", object('composite type column', 'app.pair.x')],
    ["a domain's constraint", object('domain constraint', 'c on app.d')],
    ['a grant on what belongs to the system', object('table', 'pg_catalog.pg_authid', { partOf: 'system' })],
  ])('not %s', (_, part) => {
    expect(relationOf(part)).toBeNull();
  });
});

test('names are written as SQL has them', () => {
  expect(nameOf({ schema: 'app', name: 'orders' })).toBe('app.orders');
  expect(nameOf({ schema: 'App', name: 'a "b"' })).toBe('"App"."a ""b"""');
});
