import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { SequenceSet } from '../../../../src/postgres/archive/head.ts';
import { readSequenceSets, sequenceFacts } from '../../../../src/postgres/inventory/sequence-facts.ts';
import type { SequenceReading } from '../../../../src/postgres/inventory/sequences.ts';

function set(name: string, statement: string): SequenceSet {
  return { schema: Buffer.from('app'), name: Buffer.from(name), statement: Buffer.from(statement) };
}

/** As pg_dump writes it. */
function setval(name: string, value: bigint | number, isCalled: boolean): string {
  const qualified = `app."${name.replaceAll('"', '""')}"`;
  return `SELECT pg_catalog.setval('${qualified.replaceAll("'", "''")}', ${value}, ${isCalled});\n`;
}

const read = (sets: SequenceSet[]) => [...readSequenceSets(sets, 'UTF8')];

test('reads the value, whatever the name holds', () => {
  const part = fc.oneof(fc.constantFrom("'", '"', ', 5, true);\n', ');\n', '\\', "', 1, false"), fc.string());
  const name = fc.array(part, { minLength: 1 }).map((parts) => parts.join(''));
  const value = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(name, value, fc.boolean(), (text, number, isCalled) => {
      expect(read([set(text, setval(text, number, isCalled))])).toEqual([
        [`"app".${JSON.stringify(text)}`, { lastValue: String(number), isCalled }],
      ]);
    }),
  );
});

test.each([
  'SELECT pg_catalog.setval(',
  "SELECT pg_catalog.setval('app.s', 5, true);",
  "SELECT pg_catalog.setval('app.s', 05, true);\n",
  "SELECT pg_catalog.setval('app.s', 5, TRUE);\n",
  "SELECT pg_catalog.setval('app.s', 10000000000000000000, true);\n",
  "SELECT pg_catalog.setval('app.s', 5);\n",
  "SELECT setval('app.s', 5, true);\n",
  "SELECT pg_catalog.setval('app.s', 5, true);\nSELECT 1;\n",
])('knows no value from %j', (statement) => {
  expect(read([set('s', statement)])).toEqual([]);
});

test('knows no value of a name that comes twice', () => {
  expect(
    read([set('s', setval('s', 1, true)), set('s', setval('s', 2, true)), set('t', setval('t', 3, false))]),
  ).toEqual([['"app"."t"', { lastValue: '3', isCalled: false }]]);
});

const SEQUENCE = { oid: 5, schema: 'app', name: 's', increment: '1', cycle: false, min: '1', max: '100' };
const called = (value: number) => ({ lastValue: String(value), isCalled: true });
const fresh = (value: number) => ({ lastValue: String(value), isCalled: false });
const UNKNOWN = { lastValue: null, isCalled: false };

interface Case {
  before: SequenceReading | null;
  after: SequenceReading | null;
  /** pg_dump's statement; null: none. */
  written: string | null;
  sequence?: Partial<typeof SEQUENCE>;
  partial?: boolean;
  defined?: boolean;
}

function factsOf({ before, after, written, sequence = {}, partial = false, defined = true }: Case) {
  const reading = (value: SequenceReading | null) => new Map(value === null ? [] : [[5, value]]);
  const archive = {
    sets: written === null ? [] : [set('s', written)],
    encoding: 'UTF8',
    definitions: new Set(defined ? [5] : []),
    partial,
  };
  const readings = { before: reading(before), after: reading(after) };
  const { sequences, notRecorded } = sequenceFacts([{ ...SEQUENCE, ...sequence }], readings, archive);
  const [facts] = sequences;
  return [facts?.before, facts?.after, notRecorded.length];
}

test.each<[string, Case, ReturnType<typeof factsOf>]>([
  [
    'the readings, where both know the value',
    { before: called(3), after: called(9), written: setval('s', 5, true) },
    [called(3), called(9), 0],
  ],
  [
    'what pg_dump wrote, where the sequence was never called',
    { before: UNKNOWN, after: UNKNOWN, written: setval('s', 42, false) },
    [fresh(42), fresh(42), 0],
  ],
  [
    'what pg_dump wrote, where it was called since',
    { before: UNKNOWN, after: called(44), written: setval('s', 42, false) },
    [fresh(42), called(44), 0],
  ],
  [
    'what pg_dump wrote, where it was created since the first reading and dropped before the second',
    { before: null, after: null, written: setval('s', 42, true) },
    [called(42), called(42), 0],
  ],
  [
    'what pg_dump wrote, where it was set back',
    { before: called(5), after: called(1), written: setval('s', 8, true) },
    [called(8), called(8), 0],
  ],
  [
    'the readings, where it began again from its other end',
    { before: called(99), after: called(2), written: setval('s', 100, true), sequence: { cycle: true } },
    [called(99), called(2), 0],
  ],
  [
    'every value, with a line, where pg_dump wrote something else',
    { before: UNKNOWN, after: called(7), written: 'SELECT 1;\n' },
    [fresh(1), called(100), 1],
  ],
  [
    'every value in its direction',
    { before: UNKNOWN, after: UNKNOWN, written: null, sequence: { increment: '-2' } },
    [fresh(100), called(1), 1],
  ],
  [
    'the readings, where a whole dump does not set it: the restore will differ',
    { before: called(3), after: called(3), written: null },
    [called(3), called(3), 0],
  ],
  [
    'every value, with a line, where arguments left its value out',
    { before: called(3), after: called(3), written: null, partial: true },
    [fresh(1), called(100), 1],
  ],
  [
    'no line, where arguments left all of it out',
    { before: UNKNOWN, after: UNKNOWN, written: null, partial: true, defined: false },
    [fresh(1), called(100), 0],
  ],
])('the range is %s', (_, given, expected) => {
  expect(factsOf(given)).toEqual(expected);
});
