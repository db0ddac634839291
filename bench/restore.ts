import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { formatBytes } from '../src/units.ts';
import { execute } from '../test/support/servers/execute.ts';
import type { Place } from './contenders.ts';
import { gnupgHome } from './contenders.ts';
import { type Measurement, measureAction, measureShell } from './measure.ts';
import { markdownTable, medianOf, seconds } from './report.ts';

/** What restoring by hand is. */
const BY_HAND = 'gpg -d | zstd -d | pg_restore';
const RESTORED = 'bench_restored';

/**
 * Backs the database up once, then restores that backup by hand and tests it, in turn. `against`: another checkout,
 * which tests a backup that it made itself.
 */
export async function compareRestores(place: Place, rounds: number, against?: string): Promise<string> {
  const store = await backUp(place, 'store');
  const earlier = against === undefined ? null : await backUp(place, 'store-earlier', against);
  const backup = join(store, place.database, readdirSync(join(store, place.database))[0] ?? '', 'data.dump.zst.gpg');
  const byHand: Measurement[] = [];
  const tests: Measurement[] = [];
  const earlierTests: Measurement[] = [];
  for (let round = 1; round <= rounds; round++) {
    byHand.push(await restoreByHand(place, backup));
    tests.push(await restoreTest(place, store));
    if (earlier !== null) earlierTests.push(await restoreTest(place, earlier, against));
    console.log(`${BY_HAND}: ${seconds(byHand.at(-1)?.wall ?? 0)}, restore-test: ${seconds(tests.at(-1)?.wall ?? 0)}`);
  }
  for (const folder of [store, earlier]) if (folder !== null) rmSync(folder, { recursive: true });
  return summary(byHand, tests, earlierTests);
}

/** A folder store with one backup of the database. */
async function backUp(
  { server, database, folder, passphrase }: Place,
  name: string,
  checkout?: string,
): Promise<string> {
  const store = join(folder, name);
  mkdirSync(store);
  const inputs = { 'database-url': server.url(database), store: pathToFileURL(store).href, passphrase };
  await measureAction(server, inputs, checkout);
  return store;
}

function restoreTest({ server, passphrase }: Place, store: string, checkout?: string): Promise<Measurement> {
  const inputs = { command: 'restore-test', store: pathToFileURL(store).href, passphrase };
  return measureSynced(() => measureAction(server, inputs, checkout));
}

async function restoreByHand({ server, folder, passphrase }: Place, backup: string): Promise<Measurement> {
  await server.createDatabase(RESTORED, 'TEMPLATE template0');
  const command = `gpg -d '${backup}' | zstd -d | pg_restore -d ${RESTORED}`;
  const env = { ...server.env(RESTORED), GNUPGHOME: gnupgHome(folder) };
  const measured = await measureSynced(() => measureShell(server, command, passphrase, env));
  await server.dropDatabase(RESTORED);
  return measured;
}

async function measureSynced(run: () => Promise<Measurement>): Promise<Measurement> {
  await execute('sync', []);
  return run();
}

function summary(byHand: Measurement[], tests: Measurement[], earlier: Measurement[]): string {
  const ratios = ratiosOf(tests, byHand);
  const ratio = medianOf(ratios);
  const change = ratiosOf(tests, earlier);
  const memory = Math.max(...tests.map(({ node }) => node?.memory ?? Number.NaN));
  const row = (title: string, runs: Measurement[]) => [
    title,
    seconds(medianOf(runs.map(({ wall }) => wall))),
    runs.map(({ wall }) => seconds(wall)).join(', '),
  ];
  return [
    'The same backup of the same database, in turn: by hand into the private server of this benchmark, and by `restore-test` into a cluster that it makes, fills, compares with the inventory and removes.',
    markdownTable([
      ['', 'median', 'round by round'],
      row(`\`${BY_HAND}\``, byHand),
      row('Lifeboat: `restore-test`', tests),
      ...(earlier.length === 0 ? [] : [row('Lifeboat of `--against`: `restore-test`', earlier)]),
    ]),
    `restore-test takes ${ratio.toFixed(2)} times as long (${ratios.map((each) => each.toFixed(3)).join(', ')}; at most 1.15: ${ratio <= 1.15 ? 'yes' : 'NO'}). Peak memory of its node process: ${formatBytes(memory)} (under 300 MB: ${memory < 300e6 ? 'yes' : 'NO'}).`,
    ...(earlier.length === 0
      ? []
      : [
          `Against the earlier one: ${medianOf(change).toFixed(3)} times as long (${change.map((each) => each.toFixed(3)).join(', ')}).`,
        ]),
  ].join('\n\n');
}

function ratiosOf(ours: Measurement[], theirs: Measurement[]): number[] {
  return ours.map(({ wall }, round) => wall / (theirs[round]?.wall ?? Number.NaN));
}
