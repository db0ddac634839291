import { expect, test } from '@jest/globals';
import { parseDumpArgs } from '../../../../src/inputs/database/dump-args.ts';

test('both forms become one argument each', () => {
  const text = `
    # only sales
    --schema=sales
    --exclude-table  sales.log_*
    --table="My Table"."x = y"
    --exclude-table-data = sales.audit
    --table=sales."a --schema=b"
    --extension=postgis
    --no-comments
    --no-large-objects`;
  expect(parseDumpArgs(text)).toEqual([
    '--schema=sales',
    '--exclude-table=sales.log_*',
    '--table="My Table"."x = y"',
    '--exclude-table-data=sales.audit',
    '--table=sales."a --schema=b"',
    '--extension=postgis',
    '--no-comments',
    '--no-large-objects',
  ]);
});

test('none is fine', () => {
  expect(parseDumpArgs('')).toEqual([]);
});

test('shell syntax stays text of one argument', () => {
  expect(parseDumpArgs('--table=x;$(touch /tmp/x)`id`|&')).toEqual(['--table=x;$(touch /tmp/x)`id`|&']);
});

test.each([
  ['-nsales', 'write the long name, --schema=PATTERN'],
  ['-T x', 'write the long name, --exclude-table=PATTERN'],
  ['-b', 'write the long name, --large-objects'],
  ['--table', '--table needs a pattern'],
  ['--schemas=x', 'is not allowed'],
  ['--binary-upgrade', 'is not allowed'],
  ['--', 'is not allowed'],
  ['-', 'is not allowed'],
  ['--no-comments --file=x', 'stands alone'],
  ['--table=a -f x', 'holds a second option'],
  ['--TABLE=x', 'is not allowed'],
])('%s', (line, problem) => {
  expect(() => parseDumpArgs(line)).toThrow(problem);
});
