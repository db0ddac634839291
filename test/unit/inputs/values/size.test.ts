import { expect, test } from '@jest/globals';
import { parsePercent, parseSize } from '../../../../src/inputs/values/size.ts';

test.each([
  ['0B', 0],
  ['500MB', 500_000_000],
  ['20kB', 20_000],
  ['20KB', 20_000],
  ['2GiB', 2_147_483_648],
  ['999999TiB', 999_999 * 1024 ** 4],
])('%s is %d bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(['', '500', '500 MB', '1.5GB', '-5MB', '5mb', '5M', 'MB', '10%', '1234567GB', '5constructor'])(
  '%j is no size',
  (text) => {
    expect(() => parseSize(text)).toThrow(/is not a size\. Write .* such as 500MB or 2GiB/);
  },
);

test.each([
  ['0%', 0],
  ['40%', 40],
  ['99%', 99],
])('%s is %d percent', (text, percent) => {
  expect(parsePercent(text)).toBe(percent);
});

test.each(['', '40', '0.4', '40 %', '-5%', '100%', '٤0%', '%'])('%j is no share', (text) => {
  expect(() => parsePercent(text)).toThrow(/is not a share\. Write .* such as 40%/);
});
