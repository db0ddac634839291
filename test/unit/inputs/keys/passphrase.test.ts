import { describe, expect, test } from '@jest/globals';
import { parsePassphrase } from '../../../../src/inputs/keys/passphrase.ts';
import { RecordingLog } from '../../../support/recording-log.ts';

const GOOD = 'correct horse battery staple';

test('a good passphrase is taken as it is, without a word', () => {
  const log = new RecordingLog();
  expect(parsePassphrase(GOOD, log)).toBe(GOOD);
  expect([log.notices, log.warnings]).toEqual([[], []]);
});

test('none', () => {
  expect(parsePassphrase('', new RecordingLog())).toBeNull();
});

describe('G5: one line break at its end is not part of it', () => {
  test.each(['\n', '\r\n'])('%j', (end) => {
    const log = new RecordingLog();
    expect(parsePassphrase(GOOD + end, log)).toBe(GOOD);
    expect(log.notices).toEqual([expect.stringMatching(/^passphrase: the line break at its end was left out/)]);
  });

  test.each(['\n\n', '\r', '\n\r\n'])('but %j is refused', (end) => {
    expect(() => parsePassphrase(GOOD + end, new RecordingLog())).toThrow('it holds a line break');
  });
});

test('blanks at its ends count, with a warning', () => {
  const log = new RecordingLog();
  expect(parsePassphrase(` ${GOOD} `, log)).toBe(` ${GOOD} `);
  expect(log.warnings).toEqual([expect.stringMatching(/begins or ends with a blank/)]);
});

test('its length: characters, not bytes or UTF-16 units', () => {
  const warned = (passphrase: string) => {
    const log = new RecordingLog();
    parsePassphrase(passphrase, log);
    return log.warnings.length > 0;
  };
  expect(() => parsePassphrase('🔑'.repeat(7), new RecordingLog())).toThrow('fewer than 8 characters');
  expect(warned('🔑'.repeat(8))).toBe(true);
  expect(warned('x'.repeat(19))).toBe(true);
  expect(warned('x'.repeat(20))).toBe(false);
  expect(warned('x'.repeat(255))).toBe(false);
  expect(() => parsePassphrase('é'.repeat(128), new RecordingLog())).toThrow('more than 255 bytes');
});

test.each(['\0', '\t', '\u001b', '\u007f'])('the control character %j is refused', (char) => {
  expect(() => parsePassphrase(GOOD + char + GOOD, new RecordingLog())).toThrow('control character');
});
