import { describe, expect, test } from '@jest/globals';
import { escapeHtml, hideSecrets, oneLine, safeLines } from '../../../src/report/escape.ts';
import { countOf, formatAge, formatBytes, formatCount, formatDuration } from '../../../src/units.ts';

describe('text from outside', () => {
  test('cannot end a line or turn its direction', () => {
    expect(oneLine('a\nb\r\u2028\u202e\u0007\u009b')).toBe('a\\u000ab\\u000d\\u2028\\u202e\\u0007\\u009b');
  });

  test('cannot begin a line with a command of the runner', () => {
    const lines = safeLines('::error::x\n  ::error::y\na ##[group]z\r\n  ok').split('\n');
    for (const line of lines) expect(line).not.toMatch(/^\s*::|##\[/);
    expect(lines).toHaveLength(4);
    expect(safeLines('plain')).toBe('plain');
  });

  test('is text in a summary, not HTML and not Markdown', () => {
    expect(escapeHtml('<img onerror=x>|`*_[a](b)')).toBe('&#60;img onerror=x&#62;&#124;&#96;&#42;&#95;&#91;a&#93;(b)');
    expect(escapeHtml('a\nb')).not.toContain('\n');
    expect(escapeHtml('shop.orders')).toBe('shop.orders');
  });
});

test('secrets are hidden, the longest first', () => {
  expect(hideSecrets('a horse, a correct-horse and $& of it', ['horse', 'correct-horse', '$&'])).toBe(
    'a ***, a *** and *** of it',
  );
  expect(hideSecrets('nothing', [])).toBe('nothing');
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [999_499, '999 kB'],
  [999_999, '1.0 MB'],
  [1_449_000_000, '1.4 GB'],
  [8 * 1024 ** 3, '8.6 GB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [999.9, '1.0 s'],
  [59_940, '59.9 s'],
  [59_960, '1 min 0 s'],
  [245_000, '4 min 5 s'],
  [3_599_900, '1 h 0 min'],
  [7_380_000, '2 h 3 min'],
])('%d ms are %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

test.each([
  [0, '0 min'],
  [3_599, '59 min'],
  [3_600, '1 h 0 min'],
  [93_780, '26 h 3 min'],
  [172_799, '47 h 59 min'],
  [172_800, '2 d 0 h'],
  [2_606_400, '30 d 4 h'],
])('a backup of %d s is %s old', (seconds, text) => {
  expect(formatAge(seconds)).toBe(text);
});

test('counts beyond what a number holds are exact', () => {
  expect(formatCount('9007199254740993')).toBe('9,007,199,254,740,993');
  expect(formatCount(1234)).toBe('1,234');
  expect([0, 1, 1234].map((count) => countOf(count, 'table'))).toEqual(['0 tables', '1 table', '1,234 tables']);
});
