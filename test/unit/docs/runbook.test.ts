import { expect, test } from '@jest/globals';
import { isAsPrinted } from '../../support/runbooks/runbook.ts';

test('what is printed must be what the page says', () => {
  expect(isAsPrinted('COPY 500\n', 'COPY 500\n')).toBe(true);
  expect(isAsPrinted('COPY 501\n', 'COPY 500\n')).toBe(false);
  expect(isAsPrinted('a\nCOPY 500\n', 'COPY 500\n')).toBe(false);
  expect(isAsPrinted('', 'COPY 500\n')).toBe(false);
});

test('what differs at every run may stand as an ellipsis, within a line or as one', () => {
  expect(isAsPrinted('restored in 324 ms.\n', 'restored in …\n')).toBe(true);
  expect(isAsPrinted('one\ntwo\nthree\n', '…\nthree\n')).toBe(true);
  expect(isAsPrinted('one\ntwo\nthree\n', 'one\n…\n')).toBe(true);
  expect(isAsPrinted('one\ntwo\nthree\n', '…\ntwo\n')).toBe(false);
  expect(isAsPrinted('two\n', 'one … two\n')).toBe(false);
});

test('the id of a backup stands for any other', () => {
  expect(isAsPrinted('20261126T020343Z-6625b739 is proven\n', '20261120T020000Z-0c11d5e8 is proven\n')).toBe(true);
  expect(isAsPrinted('20261126T0203 is proven\n', '20261120T020000Z-0c11d5e8 is proven\n')).toBe(false);
});
