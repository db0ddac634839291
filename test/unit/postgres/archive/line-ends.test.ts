import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LineEnds, MOST_BYTES } from '../../../../src/postgres/archive/line-ends.ts';

const lineEnds = new LineEnds();

test('counts what a loop counts, wherever a range begins and ends', () => {
  const byte = fc.oneof(fc.constant(10), fc.integer({ min: 0, max: 255 }));
  const bytes = fc.array(byte, { maxLength: 200 }).map((values) => Uint8Array.from(values));
  fc.assert(
    fc.property(bytes, fc.nat(200), fc.nat(200), (all, a, b) => {
      const [start, end] = [Math.min(a, b, all.length), Math.min(Math.max(a, b), all.length)];
      lineEnds.load(all);
      expect(lineEnds.count(start, end)).toBe(all.subarray(start, end).filter((value) => value === 10).length);
    }),
    { numRuns: 2_000 },
  );
});

test('takes as many bytes as it says, and what was loaded before does not count', () => {
  lineEnds.load(new Uint8Array(MOST_BYTES).fill(10));
  expect(lineEnds.count(0, MOST_BYTES)).toBe(MOST_BYTES);
  lineEnds.load(new Uint8Array(MOST_BYTES - 7));
  expect(lineEnds.count(0, MOST_BYTES - 7)).toBe(0);
  expect(() => lineEnds.load(new Uint8Array(MOST_BYTES + 1))).toThrow(RangeError);
});
