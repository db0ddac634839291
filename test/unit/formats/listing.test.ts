import { describe, expect, test } from '@jest/globals';
import { type ListedBackup, Listing } from '../../../src/formats/listing.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const OLD = '20261119T020000Z-00000001';
const MIDDLE = '20261120T020000Z-00000002';
const NEW = '20261121T020000Z-00000003';

interface Item {
  key: string;
  size: number;
}

/** Objects of the set `shop`, 10 bytes each. */
function objects(id: string, ...files: string[]): Item[] {
  return files.map((file) => ({ key: `shop/${id}/${file}`, size: 10 }));
}

const PARTS = ['schema.dump.zst.gpg', 'data.dump.zst.gpg', 'globals.sql.zst.gpg', 'inventory.json.zst.gpg'];

function whole(id: string, ...files: string[]): Item[] {
  return objects(id, ...PARTS, 'manifest.json', ...files);
}

function listing(items: Item[], now = NOW): { backups: ListedBackup[]; ignored: number } {
  const found = new Listing('shop');
  for (const item of items) found.add(item);
  return { backups: found.backups(now), ignored: found.ignored };
}

function only(items: Item[]): ListedBackup {
  const { backups } = listing(items);
  expect(backups).toHaveLength(1);
  return backups[0] as ListedBackup;
}

function record(time: string, verdict: string, tail = '0a1b2c3d'): string {
  return `restore-tests/${time}-${tail}-${verdict}.json`;
}

test('a backup, from the names and sizes of its objects', () => {
  const items = [...whole(NEW, 'data.dump.zst.gpg.0001'), ...objects(NEW, 'manifest.json.asc', 'hold.json')];
  expect(listing(items)).toEqual({
    ignored: 0,
    backups: [
      {
        id: NEW,
        created: '2026-11-21T02:00:00.000Z',
        ageSeconds: 36_000,
        size: 50,
        parts: [
          { name: 'schema', volumes: 1, size: 10 },
          { name: 'data', volumes: 2, size: 20 },
          { name: 'globals', volumes: 1, size: 10 },
          { name: 'inventory', volumes: 1, size: 10 },
        ],
        complete: true,
        missing: [],
        signed: true,
        held: true,
        fromFuture: false,
        lastTest: null,
        newestComplete: true,
        newestProven: false,
      },
    ],
  });
});

test('nothing more is claimed than the names say', () => {
  expect(only(whole(NEW))).toMatchObject({ signed: false, held: false, lastTest: null, newestProven: false });
});

describe('what is not complete', () => {
  test.each<[string, Item[], string[]]>([
    ['no manifest', objects(NEW, ...PARTS, 'manifest.json.asc'), ['manifest.json']],
    [
      'an empty manifest',
      [...objects(NEW, ...PARTS), { key: `shop/${NEW}/manifest.json`, size: 0 }],
      ['manifest.json'],
    ],
    ['nothing but a record', objects(NEW, record('20261121T030000Z', 'proven')), ['manifest.json']],
    ['no data', objects(NEW, 'manifest.json', PARTS[0] ?? '', PARTS[3] ?? ''), ['data.dump.zst.gpg']],
    ['nothing but a manifest', objects(NEW, 'manifest.json'), [PARTS[1] ?? '', PARTS[3] ?? '', PARTS[0] ?? '']],
    ['a volume left out', whole(NEW, 'data.dump.zst.gpg.0002'), ['data.dump.zst.gpg.0001']],
    [
      'an empty part',
      whole(NEW).map((item) => (item.key.includes('/inventory') ? { ...item, size: 0 } : item)),
      ['inventory.json.zst.gpg'],
    ],
  ])('%s', (_, items, missing) => {
    expect(only(items)).toMatchObject({ complete: false, missing, newestComplete: false, newestProven: false });
  });

  test('globals may be left out of a backup', () => {
    expect(only(whole(NEW).filter(({ key }) => !key.includes('globals')))).toMatchObject({ complete: true });
  });

  test('volumes in a number that nobody could count to are no work', () => {
    expect(only(whole(NEW, 'data.dump.zst.gpg.999999999999')).missing).toEqual(['data.dump.zst.gpg.0001']);
  });
});

describe('the last restore test', () => {
  test('is the newest one, whatever it says', () => {
    const records = [
      record('20261121T030000Z', 'proven'),
      record('20261121T050000Z', 'failed'),
      record('20261121T040000Z', 'could-not-verify'),
    ];
    expect(only(whole(NEW, ...records))).toMatchObject({
      lastTest: { verdict: 'failed', time: '2026-11-21T05:00:00.000Z' },
      newestProven: false,
    });
  });

  test('all of them are listed, of every backup, newest first', () => {
    const found = new Listing('shop');
    const records = [record('20261121T030000Z', 'proven'), record('20261121T050000Z', 'failed')];
    for (const item of [...whole(OLD, record('20261121T040000Z', 'proven')), ...whole(NEW, ...records)])
      found.add(item);
    expect(found.tests()).toEqual([
      { id: NEW, file: records[1], verdict: 'failed', time: '2026-11-21T05:00:00.000Z' },
      { id: OLD, file: record('20261121T040000Z', 'proven'), verdict: 'proven', time: '2026-11-21T04:00:00.000Z' },
      { id: NEW, file: records[0], verdict: 'proven', time: '2026-11-21T03:00:00.000Z' },
    ]);
  });

  test('its signature is no test, and none of what is ignored', () => {
    const { backups, ignored } = listing(whole(NEW, `${record('20261121T030000Z', 'proven')}.asc`));
    expect(backups[0]?.lastTest).toBeNull();
    expect(ignored).toBe(0);
  });

  test.each([record('20269999T999999Z', 'proven'), record('20261121T030000Z', 'fine'), 'restore-tests/proven.json'])(
    'is not %s',
    (file) => {
      const { backups, ignored } = listing(whole(NEW, file));
      expect([backups[0]?.lastTest, ignored]).toEqual([null, 1]);
    },
  );
});

describe('which one to use', () => {
  const marks = ({ backups }: { backups: ListedBackup[] }) => ({
    complete: backups.filter(({ newestComplete }) => newestComplete).map(({ id }) => id),
    proven: backups.filter(({ newestProven }) => newestProven).map(({ id }) => id),
  });
  const proven = record('20261121T030000Z', 'proven');

  test('the newest that is whole, and the newest whose last restore test passed', () => {
    const found = listing([...whole(OLD, proven), ...whole(MIDDLE), ...objects(NEW, ...PARTS, proven)]);
    expect(found.backups.map(({ id }) => id)).toEqual([NEW, MIDDLE, OLD]);
    expect(marks(found)).toEqual({ complete: [MIDDLE], proven: [OLD] });
  });

  test('never one from the future; a clock that is a little ahead does no harm', () => {
    const future = '20261121T130100Z-00000004';
    const skewed = '20261121T125900Z-00000005';
    const found = listing([...whole(future, proven), ...whole(skewed), ...whole(OLD, proven)]);
    expect(found.backups.map(({ fromFuture }) => fromFuture)).toEqual([true, false, false]);
    expect(found.backups.map(({ ageSeconds }) => ageSeconds)).toEqual([0, 0, 208_800]);
    expect(marks(found)).toEqual({ complete: [skewed], proven: [OLD] });
  });
});

test.each([
  'other/20261121T020000Z-00000003/manifest.json',
  'shopping/20261121T020000Z-00000003/manifest.json',
  'shop/manifest.json',
  'shop/latest/manifest.json',
  'shop/20261121T020000Z-00000003',
  'shop/20261121T020000Z-00000003/',
  'shop/20261121T020000Z-00000003/x/manifest.json',
  'shop/20261121T020000Z-00000003/manifest.json\n::error::x',
  'shop/20261121T020000Z-0000000Z/manifest.json',
  'shop/20261341T020000Z-00000003/manifest.json',
  'shop/20261121T020000Z-00000003/data.dump.zst.gpg.0000',
  'shop/20261121T020000Z-00000003/data.dump.zst.gpg.1',
  'shop/20261121T020000Z-00000003/data.dump.zst.gpg.00001',
  'shop/20261121T020000Z-00000003/secret.dump.zst.gpg',
  'shop/pruned/x/manifest.json',
  '',
])('%j is not ours', (key) => {
  expect(listing([{ key, size: 10 }])).toEqual({ backups: [], ignored: 1 });
});

test('what prune wrote down is ours, and no backup; but there were backups', () => {
  expect(listing([{ key: 'shop/pruned/x.json', size: 10 }])).toEqual({ backups: [], ignored: 0 });
  const [empty, foreign, pruned, begun] = [[], ['x.txt'], ['pruned/x.json'], [`${NEW}/data.dump.zst.gpg`]].map(
    (files) => {
      const found = new Listing('shop');
      for (const file of files) found.add({ key: `shop/${file}`, size: 10 });
      return found.isEmpty;
    },
  );
  expect([empty, foreign, pruned, begun]).toEqual([true, true, false, false]);
});

test('the volumes that hold something and the side objects, by their names', () => {
  const found = new Listing('shop');
  const items = whole(NEW, 'data.dump.zst.gpg.0001').map((item, index) => ({ ...item, size: index * 10 }));
  for (const item of items.toReversed()) found.add(item);
  found.add({ key: `shop/${NEW}/data.sums`, size: 60 });
  expect(found.ignored).toBe(0);
  expect(found.files(NEW).sort((a, b) => a.size - b.size)).toEqual([
    { key: 'data.dump.zst.gpg', size: 10 },
    { key: 'globals.sql.zst.gpg', size: 20 },
    { key: 'inventory.json.zst.gpg', size: 30 },
    { key: 'data.dump.zst.gpg.0001', size: 50 },
    { key: 'data.sums', size: 60 },
  ]);
  expect(found.files(OLD)).toEqual([]);
});

test('the order of the objects does not matter', () => {
  const items = [
    ...whole(OLD, record('20261119T030000Z', 'proven'), record('20261120T030000Z', 'failed'), 'hold.json'),
    ...whole(MIDDLE, 'data.dump.zst.gpg.0001', 'data.dump.zst.gpg.0002', 'manifest.json.asc'),
    ...objects(NEW, ...PARTS, 'data.dump.zst.gpg.0002'),
    ...whole(
      '20261118T020000Z-00000000',
      record('20261118T030000Z', 'proven', '00000000'),
      record('20261118T030000Z', 'could-not-verify', 'ffffffff'),
    ),
    ...objects('not-an-id', 'manifest.json'),
  ].map((item, index) => ({ ...item, size: 1 + (index % 7) }));
  const expected = listing(items);
  expect(expected.backups).toHaveLength(4);
  let seed = 42;
  const random = () => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  for (let round = 0; round < 200; round++) {
    const shuffled = items
      .map((item) => ({ item, place: random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ item }) => item);
    expect(listing(shuffled)).toEqual(expected);
  }
});
