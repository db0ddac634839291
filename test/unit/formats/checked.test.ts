import { expect, test } from '@jest/globals';
import { FormatError, parseChecked } from '../../../src/formats/checked.ts';

const parse = (text: string) => parseChecked(Buffer.from(text), (value) => value);
const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`;

test('64 levels of lists and objects are read, and no more', () => {
  expect(JSON.stringify(parse(nested(64)))).toBe(nested(64));
  expect(() => parse(nested(66))).toThrow(new FormatError('it is nested deeper than 64 levels'));
  expect(() => parse('['.repeat(16_000_000))).toThrow('nested deeper than 64 levels');
});

test('brackets in texts are no levels, whatever is escaped in them', () => {
  const texts = ['[{'.repeat(100), '"[{\\'.repeat(100), '\\"', '\\\\[', '}]'.repeat(100)];
  expect(parse(JSON.stringify(texts))).toEqual(texts);
  expect(() => parse(`["\\\\",${nested(66)}]`)).toThrow('nested deeper');
});
