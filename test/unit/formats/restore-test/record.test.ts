import { expect, test } from '@jest/globals';
import { parseRecordFile, type RestoreTestRecord, readRecordOf } from '../../../../src/formats/restore-test/record.ts';
import { makeBackup, makeRecord } from '../../../support/data/made-backup.ts';

const backup = makeBackup('20261121T020000Z-0a1b2c3d');
const started = new Date('2026-11-21T03:15:00.987Z');
const expected = {
  set: 'shop',
  id: backup.id,
  manifestSha256: backup.manifestSha256,
  verdict: 'proven',
  time: '2026-11-21T03:15:00.000Z',
} as const;

test('a record that says what its name and folder say', () => {
  const { key, bytes } = makeRecord(backup, 'proven', started);
  expect(parseRecordFile(key.slice(key.indexOf('restore-tests')))).toEqual({
    verdict: 'proven',
    time: '20261121T031500Z',
  });
  expect(readRecordOf(bytes, expected)).toMatchObject({ id: backup.id, verdict: 'proven' });
  // What the manifest is may not be known.
  expect(readRecordOf(bytes, { ...expected, manifestSha256: null })).toMatchObject({ id: backup.id });
});

test.each<[string, Partial<RestoreTestRecord>, RegExp]>([
  ['another backup', { id: '20261120T020000Z-0a1b2c3d' }, /it names backup "20261120T020000Z-0a1b2c3d"/],
  ['another set', { name: 'blog' }, /it names set "blog"/],
  ['another manifest', { manifestSha256: '0'.repeat(64) }, /it names another manifest than the one that is there/],
  ['another verdict', { verdict: 'failed' }, /it says failed inside/],
  ['another time', { started: '2026-11-20T03:15:00.000Z' }, /it says 2026-11-20T03:15:00.000Z inside/],
  ['another format', { format: 2 as 1 }, /format must be 1/],
])('a record that says %s inside is none of this backup', (_, more, says) => {
  const { bytes } = makeRecord(backup, 'proven', started, more);
  expect(() => readRecordOf(bytes, expected)).toThrow(says);
});
