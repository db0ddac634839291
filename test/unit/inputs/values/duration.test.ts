import { expect, test } from '@jest/globals';
import { parseDuration, parseTimeout } from '../../../../src/inputs/values/duration.ts';

test.each([
  ['90s', 90_000],
  ['15m', 900_000],
  ['26h', 93_600_000],
  ['30d', 2_592_000_000],
  ['0s', 0],
])('%s is %i ms', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each(['', '5', '5 m', '1.5h', '-5m', '5M', '5m30s', '5min', '٥m', '9999999d'])('%j is refused', (text) => {
  expect(() => parseDuration(text)).toThrow('is not a duration');
});

test('a timeout is from a second to a day', () => {
  expect(parseTimeout('1s')).toBe(1000);
  expect(parseTimeout('24h')).toBe(86_400_000);
  for (const text of ['0m', '25h', '30d']) expect(() => parseTimeout(text)).toThrow('out of range');
});
