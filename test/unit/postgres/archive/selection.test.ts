import { describe, expect, test } from '@jest/globals';
import type { Relation } from '../../../../src/formats/inventory/selection.ts';
import { decodeListing, parseEntries } from '../../../../src/postgres/archive/contents.ts';
import { selectEntries } from '../../../../src/postgres/archive/selection.ts';

/* As pg_restore -l -v prints it; the ids are those that the tests ask for. */
const LISTING = `;
; Archive created at 2026-11-26 01:22:00 UTC
; Selected TOC Entries:
;
1; 0 0 ENCODING - ENCODING 
2; 2615 16385 SCHEMA - app o
3; 1255 16393 FUNCTION app f() o
;	depends on: 2
10; 1259 16404 TABLE app orders o
;	depends on: 2
11; 0 0 ACL app TABLE orders o
;	depends on: 10
12; 1255 16490 FUNCTION app newest() o
;	depends on: 2 10
13; 1259 16395 SEQUENCE app orders_id_seq o
;	depends on: 10 2
14; 0 0 SEQUENCE OWNED BY app orders_id_seq o
;	depends on: 13
20; 1259 16420 TABLE app lines o
;	depends on: 13 2
30; 1259 16430 TABLE app orders x o
;	depends on: 2
31; 1259 16431 TABLE app part o
;	depends on: 30
32; 0 0 TABLE ATTACH app part o
;	depends on: 31 30
40; 1259 16440 VIEW app v o
;	depends on: 10
50; 2604 16399 DEFAULT app orders id o
;	depends on: 10 13
51; 2613 16499 BLOB - 16499 o
60; 0 16404 TABLE DATA app orders o
;	depends on: 10
61; 0 16420 TABLE DATA app lines o
;	depends on: 20
62; 0 16431 TABLE DATA app part o
;	depends on: 31
63; 0 0 SEQUENCE SET app orders_id_seq o
;	depends on: 13
64; 0 0 BLOBS - BLOBS 
70; 2606 16402 CONSTRAINT app orders orders_pkey o
;	depends on: 10
71; 1259 16465 INDEX app by_total o
;	depends on: 10 3
72; 2606 16423 FK CONSTRAINT app lines lines_fkey o
;	depends on: 10 20 70
73; 0 0 COMMENT app CONSTRAINT lines_fkey ON lines o
;	depends on: 72
74; 3256 16429 POLICY app orders p o
;	depends on: 10 30
75; 3256 16430 POLICY app orders x q o
;	depends on: 30 20
76; 2620 16428 TRIGGER app lines t o
;	depends on: 20 3
`;

const RELATIONS = new Map(
  [
    ['orders', 'table'],
    ['orders_id_seq', 'sequence'],
    ['lines', 'table'],
    ['orders x', 'table'],
    ['part', 'table'],
    ['v', 'view'],
  ].map(([name = '', type = '']): [string, Relation] => {
    const relation = { schema: 'app', name, type, owner: 'o', parents: [], partition: false };
    return [`app.${name}`, relation];
  }),
);

function select(...names: string[]) {
  const wanted = new Set(names.map((name) => `app.${name}`));
  const { ids, relations, ...rest } = selectEntries(parseEntries(LISTING), RELATIONS, wanted);
  return { ids, relations: [...relations].sort(), ...rest };
}

const EVERYTHING_ELSE = [1, 2, 3];

describe('the entries of', () => {
  test('a table: its parts, and definitions without rows of what these need', () => {
    // The first policy is its own and needs "orders x", whose policy needs lines. The key of lines belongs to lines.
    expect(select('orders')).toEqual({
      ids: [...EVERYTHING_ELSE, 10, 11, 12, 13, 14, 20, 30, 50, 60, 63, 70, 71, 74, 75, 76],
      relations: ['app.lines', 'app.orders', 'app.orders x', 'app.orders_id_seq'],
      absent: [],
      leftOut: [],
    });
  });

  test('a table with the sequence of another, without that one', () => {
    expect(select('lines')).toEqual({
      ids: [...EVERYTHING_ELSE, 13, 20, 61, 63, 76],
      relations: ['app.lines', 'app.orders_id_seq'],
      absent: [],
      leftOut: ['FUNCTION app newest() o'],
    });
  });

  test('both tables of a foreign key: it comes, with what is said of it', () => {
    expect(select('lines', 'orders').ids).toEqual(expect.arrayContaining([60, 61, 72, 73]));
  });

  test('a partition: it is attached to the definition of its parent', () => {
    const { ids, relations } = select('part');
    expect(ids).toEqual(expect.arrayContaining([30, 31, 32, 62]));
    expect(relations).toEqual(['app.lines', 'app.orders x', 'app.orders_id_seq', 'app.part']);
  });

  test('a view', () => {
    const { ids } = select('v');
    expect(ids).toContain(40);
    expect(ids).not.toContain(60);
  });

  test('no large object, ever', () => {
    const { ids } = select('orders', 'orders_id_seq', 'lines', 'orders x', 'part', 'v');
    expect(
      parseEntries(LISTING)
        .filter(({ id }) => !ids.includes(id))
        .map(({ id }) => id),
    ).toEqual([51, 64]);
  });
});

test('what the archive does not hold is told', () => {
  const more = new Map([...RELATIONS, ['app.gone', { ...(RELATIONS.get('app.v') as Relation), name: 'gone' }]]);
  expect(selectEntries(parseEntries(LISTING), more, new Set(['app.gone'])).absent).toEqual(['app.gone']);
});

test('names that look alike are an error when they are wanted or needed', () => {
  const alike: Relation = { ...(RELATIONS.get('app.orders') as Relation), schema: 'app orders', name: 'x' };
  const relations = new Map([...RELATIONS, ['"app orders".x', alike]]);
  const entries = parseEntries(LISTING);
  expect(() => selectEntries(entries, relations, new Set(['app.orders x']))).toThrow(
    /^app\.orders x cannot be distinguished/,
  );
  expect(() => selectEntries(entries, relations, new Set(['app.part']))).toThrow(/cannot be distinguished/);
  expect(selectEntries(entries, relations, new Set(['app.lines'])).ids).toContain(20);
});

test('a listing is read in the encoding of the source', () => {
  const listing = '5; 1259 1 TABLE public größe o\n';
  expect(decodeListing(Buffer.from(listing, 'latin1'), 'LATIN1')).toBe(listing);
  expect(decodeListing(Buffer.from(listing, 'latin1'), 'LATIN9')).toBe(listing);
  expect(decodeListing(Buffer.from(listing), 'UTF8')).toBe(listing);
  expect(decodeListing(Buffer.from(listing), 'SQL_ASCII')).toBe(listing);
});
