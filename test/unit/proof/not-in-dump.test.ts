import { expect, test } from '@jest/globals';
import { type Property, whyNotInDump } from '../../../src/proof/not-in-dump.ts';

const reasonFor = (type: string, property: Property, flags: Record<string, string> = {}) =>
  whyNotInDump({ type, flags }, property, new Set(['public.b.id']));

test.each<[string, string, Property, Record<string, string>]>([
  ['the comment of an extension was removed', 'extension', { name: 'comment', before: null, after: 'x' }, {}],
  ['an index is valid again', 'index', { name: 'notValid', before: true, after: null }, {}],
  [
    "an identity column's sequence has the type of the column",
    'sequence',
    { name: 'sequenceType', before: 'bigint', after: 'integer' },
    { sequenceOf: 'public.b.id' },
  ],
])('accepts what pg_dump does not write: %s', (_, type, property, flags) => {
  expect(reasonFor(type, property, flags)).not.toBeNull();
});

test.each<[string, string, Property, Record<string, string>]>([
  ['the comment of an extension was changed', 'extension', { name: 'comment', before: 'ours', after: 'x' }, {}],
  ['the comment of a table is lost', 'table', { name: 'comment', before: 'ours', after: null }, {}],
  ['an index is no longer valid', 'index', { name: 'notValid', before: null, after: true }, {}],
  ['a constraint is valid again', 'table constraint', { name: 'notValid', before: true, after: null }, {}],
  [
    'the sequence of a serial column has another type',
    'sequence',
    { name: 'sequenceType', before: 'bigint', after: 'integer' },
    { sequenceOf: 'public.c.id' },
  ],
])('finds what pg_dump writes: %s', (_, type, property, flags) => {
  expect(reasonFor(type, property, flags)).toBeNull();
});
