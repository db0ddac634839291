import { expect, test } from '@jest/globals';
import { LifeboatError } from '../../src/errors.ts';
import { editDistance, parseLines, quote } from '../../src/text.ts';

test('a quoted text stays on its line, in its direction, and short', () => {
  expect(quote('a"b\\c')).toBe('"a\\"b\\\\c"');
  expect(quote('\n::error::\u001b[31m')).toBe('"\\n::error::\\u001b[31m"');
  expect(quote('a\u2028b\u202ec\u0085')).toBe('"a\\u2028b\\u202ec\\u0085"');
  expect(quote('x'.repeat(1000)).length).toBeLessThan(100);
});

test('lines: comments, blanks and any line end', () => {
  expect(parseLines(' a \r\n\n# no\n\tb\rc', (line) => line)).toEqual(['a', 'b', 'c']);
});

test('lines: all the bad ones are told, with their number', () => {
  const refuse = (line: string) => {
    if (line !== 'ok') throw new LifeboatError(`${line}?`);
  };
  expect(() => parseLines('x\nok\n\ny', refuse)).toThrow(/^line 1: x\?\nline 4: y\?$/);
  expect(() => parseLines('# just one\nx', refuse)).toThrow(/^x\?$/);
});

test.each([
  ['', '', 0],
  ['', 'abc', 3],
  ['orders', 'orders', 0],
  ['ordres', 'orders', 2],
  ['order', 'orders', 1],
  ['kitten', 'sitting', 3],
])('from %j to %j there are %i changed letters', (from, to, distance) => {
  expect(editDistance(from, to)).toBe(distance);
  expect(editDistance(to, from)).toBe(distance);
});
