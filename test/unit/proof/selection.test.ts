import { describe, expect, test } from '@jest/globals';
import type { Inventory, ObjectFacts } from '../../../src/formats/inventory/inventory.ts';
import { inventoryOf, lostForeignKeys } from '../../../src/proof/selection.ts';

function object(type: string, identity: string, flags: ObjectFacts['flags'] = {}): ObjectFacts {
  return { type, identity, owner: 'o', acl: null, comment: null, securityLabels: [], flags };
}

const key = (references: string) => ({ type: 'foreign key', references });
const partition = { parents: '["s.events"]', partitionBound: 'DEFAULT' };

const INVENTORY = {
  tables: ['orders', 'customers', 'log', 'a', 'b', 'spatial']
    .map((name) => ({ schema: 's', name, extension: name === 'spatial' ? 'postgis' : null, dumped: true, rows: '5' }))
    .map((table) => ({ ...table, fingerprint: '1' })),
  sequences: ['orders_id', 'customers_id', 'of_extension'].map((name) => ({ schema: 's', name })),
  materializedViews: [{ schema: 's', name: 'totals' }],
  largeObjects: { count: '3', dumped: true },
  objects: [
    object('table', 's.orders'),
    object('table', 's.customers'),
    object('table', 's.log'),
    object('table', 's.events'),
    object('table', 's.a', partition),
    object('table', 's.b', partition),
    object('materialized view', 's.totals'),
    object('sequence', 's.orders_id', { sequenceOf: 's.orders.id' }),
    object('sequence', 's.customers_id', { sequenceOf: 's.customers.id' }),
    object('table constraint', 'to_customers on s.orders', key('s.customers')),
    object('table constraint', 'to_orders on s.orders', key('s.orders')),
    object('table constraint', 'to_orders on s.customers', key('s.orders')),
    object('table constraint', 'to_log on s.log', key('s.orders')),
    object('trigger', 't on s.orders'),
    object('trigger', 't on s.customers'),
    object('index', 's.whole', { table: 's.events', notValid: true }),
    object('index', 's.a_i', { table: 's.a', parent: 's.whole' }),
    object('function', 's.f()'),
  ],
} as unknown as Inventory;

const ORDERS = {
  wanted: new Set(['s.orders']),
  relations: new Set(['s.orders', 's.orders_id', 's.customers_id', 's.log']),
};

describe('what a part must bring', () => {
  const part = inventoryOf(INVENTORY, ORDERS);

  test('the rows of what is wanted, none of what that needs, those of extensions', () => {
    expect(part.tables.map(({ name, dumped }) => `${name} ${dumped}`)).toEqual([
      'orders true',
      'log false',
      'spatial true',
    ]);
    expect(part.tables.find(({ name }) => name === 'log')?.fingerprint).toBeNull();
    expect(part.sequences.map(({ name }) => name)).toEqual(['orders_id', 'customers_id', 'of_extension']);
    expect(part.materializedViews).toEqual([]);
    expect(part.largeObjects).toMatchObject({ count: '0', dumped: false });
  });

  test('all that belongs to it; of foreign keys those of which both tables are wanted', () => {
    expect(part.objects.map(({ identity }) => identity)).toEqual([
      's.orders',
      's.log',
      's.orders_id',
      's.customers_id',
      'to_orders on s.orders',
      't on s.orders',
      's.f()',
    ]);
    expect(lostForeignKeys(INVENTORY, ORDERS)).toEqual([
      'to_customers on s.orders (references s.customers)',
      'to_log on s.log (references s.orders)',
    ]);
  });

  test('a sequence whose table is left out has no owner', () => {
    const owners = part.objects.filter(({ type }) => type === 'sequence').map(({ flags }) => flags);
    expect(owners).toEqual([{ sequenceOf: 's.orders.id' }, {}]);
  });
});

test.each([
  ['a', undefined],
  ['b', true],
])('an index that lacks a partition is valid when that one is left out: %s', (name, notValid) => {
  const wanted = new Set([`s.${name}`]);
  const { objects } = inventoryOf(INVENTORY, { wanted, relations: new Set(['s.events', `s.${name}`]) });
  expect(objects.find(({ identity }) => identity === 's.whole')?.flags.notValid).toBe(notValid);
});
