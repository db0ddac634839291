import { expect, test } from '@jest/globals';
import { type LeftoverFolder, whyNotLeftover } from '../../../src/formats/leftover-folder.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * HOUR);
const RECORD = 'restore-tests/20261119T020000Z-0a1b2c3d-proven.json';

function folder(found: Partial<LeftoverFolder>, ...names: string[]): LeftoverFolder {
  const files = names.map((file) => ({ file, modified: hoursAgo(25) }));
  return { files, newestUpload: null, wasPruned: false, ...found };
}

const VOLUMES = ['schema.dump.zst.gpg', 'schema.sums', 'data.0001.sums', 'data.dump.zst.gpg', 'data.dump.zst.gpg.0001'];

test.each<[string, LeftoverFolder]>([
  ['volumes that nobody wrote to for a day', folder({}, ...VOLUMES)],
  ['with an upload that was begun before that', folder({ newestUpload: hoursAgo(25) }, ...VOLUMES)],
  [
    'what a prune had begun to delete',
    folder({ wasPruned: true }, ...VOLUMES, 'manifest.json.asc', RECORD, `${RECORD}.asc`),
  ],
])('may go: %s', (_, found) => {
  expect(whyNotLeftover(found, NOW)).toBeNull();
});

test.each<[string, LeftoverFolder, RegExp]>([
  [
    'a file of the last day',
    folder({ files: [{ file: 'data.dump.zst.gpg', modified: hoursAgo(23) }, ...folder({}, ...VOLUMES).files] }),
    /last 24 h/,
  ],
  ['an open upload of the last day', folder({ newestUpload: hoursAgo(23) }, ...VOLUMES), /last 24 h/],
  ['a file dated ahead', folder({ files: [{ file: 'data.dump.zst.gpg', modified: hoursAgo(-1) }] }), /last 24 h/],
  ['a record: it was a backup once', folder({}, ...VOLUMES, RECORD), /it holds "restore-tests/],
  ['a signature: it was a backup once', folder({}, ...VOLUMES, 'manifest.json.asc'), /it holds "manifest.json.asc"/],
  ['a hold', folder({}, ...VOLUMES, 'hold.json'), /it holds "hold.json"/],
  [
    'a hold on what a prune had begun to delete',
    folder({ wasPruned: true }, ...VOLUMES, 'hold.json'),
    /holds "hold.json"/,
  ],
  ['an empty manifest', folder({ wasPruned: true }, ...VOLUMES, 'manifest.json'), /it holds "manifest.json"/],
  ['a file that is not ours', folder({}, ...VOLUMES, 'notes.txt'), /it holds "notes.txt"/],
  ['a name that only looks like a volume', folder({}, 'data.dump.zst.gpg.1'), /it holds "data.dump.zst.gpg.1"/],
])('stays: %s', (_, found, why) => {
  expect(whyNotLeftover(found, NOW)).toMatch(why);
});
