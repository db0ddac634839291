import { describe, expect, test } from '@jest/globals';
import type { Inventory, ObjectFacts } from '../../../../src/formats/inventory/inventory.ts';
import { type Wanted, wantedRelations } from '../../../../src/formats/inventory/selection.ts';

function object(type: string, identity: string, flags: ObjectFacts['flags'] = {}): ObjectFacts {
  return { type, identity, owner: 'o', acl: null, comment: null, securityLabels: [], flags };
}

const partitionOf = (parent: string) => ({ parents: JSON.stringify([parent]), partitionBound: 'DEFAULT' });

const INVENTORY = {
  objects: [
    object('schema', 'app'),
    object('schema', '"Odd S"'),
    object('schema', 'void'),
    object('table', 'app.orders'),
    object('table', 'app.events', { partitionKey: 'RANGE (at)' }),
    object('table', 'app.events_a', partitionOf('app.events')),
    object('table', '"Odd S"."b "" c"', partitionOf('app.events_a')),
    object('table', 'app.child', { parents: '["app.orders"]' }),
    object('table', 'old.orders'),
    object('view', 'app.report'),
    object('sequence', 'app.numbers'),
    object('function', 'app.orders(integer)'),
  ],
  tables: [{ schema: 'app', name: 'spatial_ref_sys', extension: 'postgis' }],
} as unknown as Inventory;

function wanted({ tables = [], schemas = [] }: Partial<Wanted>): string[] {
  return [...wantedRelations(INVENTORY, { tables, schemas })].sort();
}

const one = (schema: string | null, name: string) => ({ tables: [{ schema, name }] });

describe('what is wanted', () => {
  test.each<[string, Partial<Wanted>, string[]]>([
    ['a table, without its children', one('app', 'orders'), ['app.orders']],
    ['one that only one schema has', one(null, 'report'), ['app.report']],
    ['partitions, and theirs', one('app', 'events'), ['"Odd S"."b "" c"', 'app.events', 'app.events_a']],
    ['a partition alone', one('Odd S', 'b " c'), ['"Odd S"."b "" c"']],
    ['a sequence', one(null, 'numbers'), ['app.numbers']],
    ['a schema', { schemas: ['old'] }, ['old.orders']],
    ['a schema without tables', { schemas: ['void'] }, []],
  ])('%s', (_, given, expected) => {
    expect(wanted(given)).toEqual(expected);
  });

  test('a schema brings partitions that lie in others', () => {
    expect(wanted({ schemas: ['app'] })).toContain('"Odd S"."b "" c"');
  });

  test.each<[string, Partial<Wanted>, string]>([
    ['a slip', one('app', 'ordres'), 'tables: the backup has no app.ordres. It has app.orders, old.orders.'],
    ['another schema', one('new', 'report'), 'tables: the backup has no new.report. It has app.report.'],
    [
      'nothing alike',
      one(null, 'zebra'),
      'tables: the backup has no zebra. Names that are not all small letters need double quotes.',
    ],
    [
      'one of several',
      one(null, 'orders'),
      'tables: orders is in several schemas. Write which one: app.orders, old.orders.',
    ],
    [
      "an extension's",
      one('app', 'spatial_ref_sys'),
      'tables: app.spatial_ref_sys belongs to the extension postgis, which brings it along. Remove the line.',
    ],
    ['a schema', { schemas: ['odd S'] }, 'schemas: the backup has no schema "odd S". It has "Odd S".'],
    [
      'all that is wrong',
      { ...one(null, 'zebra'), schemas: ['nowhere'] },
      'tables: the backup has no zebra. Names that are not all small letters need double quotes.\nschemas: the backup has no schema nowhere. Names that are not all small letters need double quotes.',
    ],
  ])('not there: %s', (_, given, message) => {
    expect(() => wanted(given)).toThrow(new Error(message));
  });
});
