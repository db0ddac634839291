import { describe, expect, test } from '@jest/globals';
import { isId, makeId, startOf } from '../../../src/formats/id.ts';
import {
  inOrder,
  isPartName,
  isSumsFile,
  keyOf,
  parseVolumeFile,
  setNameOf,
  sumsFile,
  volumeFile,
} from '../../../src/formats/names.ts';

describe('the name of a set', () => {
  test.each([
    ['shop', 'shop'],
    ['Shop_2.old-1', 'Shop_2.old-1'],
    ['a=b', 'a=3Db'],
    ['_private', '=5Fprivate'],
    ['../up', '=2E.=2Fup'],
    ['x y"z;$(id)', 'x=20y=22z=3B=24=28id=29'],
    ['bıg', 'b=C4=B1g'],
    ['line\nend', 'line=0Aend'],
  ])('of database %j is %j', (database, name) => {
    expect(setNameOf(database)).toBe(name);
  });

  test('is another one for every database: what is written can be read back', () => {
    const names = ['a=b', 'a=3Db', 'a b', 'a', 'A', '=', '_', '5F', '=5F', '\u{1f6df}', '-', '.'];
    expect(new Set(names.map(setNameOf)).size).toBe(names.length);
    const decode = (name: string) =>
      Buffer.from(
        name.replace(/=([0-9A-F]{2})|(.)/gs, (_, hex, char) => hex ?? Buffer.from(char).toString('hex')),
        'hex',
      );
    for (const name of names) expect(decode(setNameOf(name)).toString('utf8')).toBe(name);
  });
});

describe('an id', () => {
  const start = new Date('2026-11-21T02:00:00.987Z');

  test('is the UTC start and a tail', () => {
    expect(makeId(start, '7f3a91c2')).toBe('20261121T020000Z-7f3a91c2');
    expect(startOf('20261121T020000Z-7f3a91c2')).toEqual(new Date('2026-11-21T02:00:00Z'));
  });

  test.each([
    '',
    'pruned',
    '20261121T020000Z',
    '20261321T020000Z-7f3a91c2',
    '20261121T020000Z-7F3A91C2',
    '../20261121T020000Z-7f3a91c2',
  ])('is not %j', (text) => {
    expect(isId(text)).toBe(false);
  });

  test('sorts by time', () => {
    const ids = ['2026-12-31T23:59:59Z', '2026-02-28T12:00:00Z', '2027-01-01T00:00:00Z'].map((time) =>
      makeId(new Date(time), 'ffffffff'),
    );
    expect([...ids].sort().map((id) => id.slice(0, 8))).toEqual(['20260228', '20261231', '20270101']);
  });
});

describe('a side object', () => {
  test('is named by part and volume, and never matches the glob that joins volumes', () => {
    for (const part of ['data', 'schema', 'globals', 'files-up_loads-2'] as const) {
      for (const index of [0, 1, 9999, 10_000]) {
        const file = sumsFile(part, index);
        expect(isSumsFile(file)).toBe(true);
        expect(parseVolumeFile(file)).toBeNull();
        expect(file.startsWith(volumeFile(part, 0))).toBe(false);
      }
    }
    expect(sumsFile('data', 0)).toBe('data.sums');
    expect(sumsFile('data', 1)).toBe('data.0001.sums');
  });

  test.each([
    'sums',
    '.sums',
    'data.0000.sums',
    'data.1.sums',
    'other.sums',
    'files-.sums',
    'data.sums.asc',
    'a/data.sums',
  ])('%s is none', (file) => expect(isSumsFile(file)).toBe(false));
});

test('volumes join in the order of their names', () => {
  const files = [0, 1, 2, 10, 999].map((index) => volumeFile('data', index));
  expect(files[0]).toBe('data.dump.zst.gpg');
  expect(files[1]).toBe('data.dump.zst.gpg.0001');
  expect([...files].sort()).toEqual(files);
  expect(keyOf('shop', '20261121T020000Z-7f3a91c2', 'manifest.json')).toBe(
    'shop/20261121T020000Z-7f3a91c2/manifest.json',
  );
});

describe('file trees are parts of their own', () => {
  test('named by their labels, in volumes like the others', () => {
    expect(volumeFile('files-uploads', 0)).toBe('files-uploads.tar.zst.gpg');
    expect(parseVolumeFile('files-uploads.tar.zst.gpg.0002')).toEqual({ part: 'files-uploads', index: 2 });
  });

  test.each([
    'files-.tar.zst.gpg',
    'files-Up.tar.zst.gpg',
    'files-a.b.tar.zst.gpg',
    'uploads.tar.zst.gpg',
    'files-a.tar.zst.gpg.1',
  ])('%s is none', (file) => expect(parseVolumeFile(file)).toBeNull());

  test('a part is what the format names, and no property of an object', () => {
    const names = ['data', 'files-a_b-1', 'files-', `files-${'x'.repeat(33)}`, 'files-../x', 'toString', 'constructor'];
    expect(names.filter(isPartName)).toEqual(['data', 'files-a_b-1']);
  });

  test('between the database and the inventory', () => {
    expect(inOrder(['inventory', 'files-b', 'globals', 'data', 'files-a', 'schema'])).toEqual([
      'schema',
      'data',
      'globals',
      'files-a',
      'files-b',
      'inventory',
    ]);
  });
});
