import { expect, test } from '@jest/globals';
import { backupsOutput, type ListReport } from '../../../../src/commands/list/report.ts';
import { listLines, listSummary } from '../../../../src/commands/list/summary.ts';
import { makeId } from '../../../../src/formats/id.ts';
import { type ListedBackup, Listing } from '../../../../src/formats/listing.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const HOUR = 60 * 60 * 1000;

/** One backup an hour; `proven` is how many hours old the one is whose restore test passed. */
function backups(count: number, proven: number): ListedBackup[] {
  const listing = new Listing('shop');
  for (let age = 0; age < count; age++) {
    const id = makeId(new Date(NOW.getTime() - age * HOUR), 'aaaaaaaa');
    const files = ['schema.dump.zst.gpg', 'data.dump.zst.gpg', 'inventory.json.zst.gpg', 'manifest.json'];
    if (age === proven) files.push('restore-tests/20261121T110000Z-00000000-proven.json');
    for (const file of files) listing.add({ key: `shop/${id}/${file}`, size: 1000 });
  }
  return listing.backups(NOW);
}

function report(sets: number, count: number, proven: number): ListReport {
  const set = { backups: backups(count, proven), trend: { backups: [], tests: [], missing: null } };
  return {
    command: 'list',
    name: null,
    started: NOW.toISOString(),
    finished: NOW.toISOString(),
    duration: 0,
    stores: [
      {
        url: 'file:///srv/backups',
        error: null,
        sets: Array.from({ length: sets }, (_, index) => ({ name: `set-${index}`, ...set })),
        ignored: { folders: 0, objects: 0 },
        otherFolders: [],
      },
    ],
  };
}

test('many sets fit into an output too: fewer of each, the newest and the proven one always', () => {
  const { json, most } = backupsOutput(report(20, 600, 599));
  expect(json.length).toBeLessThan(500_000);
  const shown: (ListedBackup & { name: string })[] = JSON.parse(json);
  expect(most).toBeGreaterThan(10);
  for (let index = 0; index < 20; index++) {
    const ids = shown.filter(({ name }) => name === `set-${index}`);
    expect(ids).toHaveLength((most ?? 0) + 1);
    expect([ids[0]?.newestComplete, ids.at(-1)?.newestProven]).toEqual([true, true]);
  }
});

test('nothing is said of a cut when nothing was cut', () => {
  expect(backupsOutput(report(2, 20, 3)).most).toBeNull();
});

test('log and summary show the proven one, however old it is', () => {
  const cut = report(1, 600, 599);
  const id = cut.stores[0]?.sets[0]?.backups[599]?.id ?? '';
  expect(listLines(cut).filter((line) => line.includes(id))).toEqual([
    expect.stringMatching(/^ +Newest proven: .*, 24 d 23 h old, 3.0 kB, its last restore test passed$/),
    expect.stringContaining('<- NEWEST PROVEN'),
  ]);
  const summary = listSummary(cut, []);
  expect(summary).toContain(`<td>✅</td><td><b><code>${id}</code></b></td>`);
  expect(summary).toContain('… and 549 older, see the JSON report.');
});

test('why a store failed is text in a summary', () => {
  const failed = report(0, 0, 0);
  Object.assign(failed.stores[0] ?? {}, { url: 'file:///srv/<b>', error: '<img src=x>\n# gotcha' });
  const summary = listSummary(failed, []);
  expect(summary).not.toMatch(/<b>|<img|^# /m);
  expect(summary).toContain('1 of 1 stores could not be listed');
  expect(summary).not.toContain('There are no backups');
});
