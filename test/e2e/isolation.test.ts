import { chmodSync, existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { runPost, startAction } from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { expectProven, runRestoreTest } from '../support/action/run-restore-test.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { execute } from '../support/servers/execute.ts';
import { notRun } from '../support/servers/not-run.ts';
import { sharedPostgres } from '../support/servers/postgres.ts';
import { allProcesses, commandLine, isAlive, waitUntilGone } from '../support/servers/processes.ts';
import { runFolder } from '../support/servers/run.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) notRun('restore tests as another user', 'only root can become one');

/** nobody, as the runner's user. */
const USER = 65534;

/** What stands between a node of the tests and the action: root's preparations, then who runs it. */
const NO_BUBBLEWRAP = 'if test -e /usr/bin/bwrap; then mount --bind /bin/false /usr/bin/bwrap; fi';
const SUDO =
  'mount -t tmpfs -o mode=755 none /etc/sudoers.d; echo "nobody ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/test';
const AS_USER = `chown -R ${USER} "$(dirname "$GITHUB_WORKSPACE")"; set -- setpriv --reuid=${USER} --regid=${USER} --clear-groups "$@"`;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const hasBubblewrap = existsSync('/usr/bin/bwrap');
const ways: [string, string, string[]][] = [
  ...(hasBubblewrap ? [['an ordinary user', 'bubblewrap', [AS_USER]] as [string, string, string[]]] : []),
  ['an ordinary user with sudo', 'another user', [NO_BUBBLEWRAP, SUDO, AS_USER]],
  ['an ordinary user without either', 'none', [NO_BUBBLEWRAP, AS_USER]],
  ['root without bubblewrap', 'another user', [NO_BUBBLEWRAP]],
];

let store: StoreFolder;

beforeAll(async () => {
  if (!isRoot) return;
  const server = await sharedPostgres();
  store = newStoreFolder();
  await server.createDatabase('isolated');
  await server.psql('isolated', 'create table t as select n, md5(n::text) from generate_series(1, 900) n');
  expect(errorsOf(await runBackup(backupInputs(server, 'isolated', store)))).toEqual([]);
  await execute('chown', ['-R', String(USER), store.path]);
});

(isRoot ? describe : describe.skip).each(ways)('restore-test as %s: %s', (_, isolation, steps) => {
  let scratch: string;
  let node: string;

  beforeAll(() => {
    scratch = mkdtempSync(join(runFolder(), 'iso-'));
    chmodSync(scratch, 0o1777);
    node = nodeBehind(steps);
  });

  const options = () => ({ node, env: { PATH } });

  function serversBelow(): number[] {
    return allProcesses().filter((pid) => isAlive(pid) && commandLine(pid).includes(`-D ${scratch}/`));
  }

  test('it is proven, the summary says how it was isolated, and nothing is left', async () => {
    const result = await runRestoreTest(store, { 'scratch-dir': scratch }, options());
    expectProven(result);
    expect(result.report.isolation).toBe(isolation);
    expect(result.summary).toMatch(new RegExp(`Isolation.*${isolation}`));
    expect(result.log).toContain(`Isolation: ${isolation}\n`);
    expect([...readdirSync(scratch), ...serversBelow()]).toEqual([]);
  });

  test('it fails, and nothing is left', async () => {
    const assertions = '[{name: never, sql: select false, expect: true}]';
    const result = await runRestoreTest(store, { 'scratch-dir': scratch, assertions }, options());
    expect(result.outputs.verdict).toBe('failed');
    expect([...readdirSync(scratch), ...serversBelow()]).toEqual([]);
  });

  test('it is killed, and post leaves nothing', async () => {
    const inputs = { command: 'restore-test', store: store.url, passphrase: PASSPHRASE, 'scratch-dir': scratch };
    const running = startAction(inputs, options());
    while (serversBelow().length === 0) await new Promise((next) => setTimeout(next, 10));
    running.kill('SIGKILL');
    const post = await runPost(await running.finished, options());
    expect(post.annotations).toEqual([]);
    expect(readdirSync(scratch)).toEqual([]);
    expect(await waitUntilGone(serversBelow())).toEqual([]);
  });
});

function nodeBehind(steps: string[]): string {
  const folder = mkdtempSync(join(runFolder(), 'node-'));
  const real = process.env.LIFEBOAT_TEST_NODE ?? process.execPath;
  const [script, file] = [join(folder, 'prepare'), join(folder, 'node')];
  // By bash: sh drops INPUT_DATABASE-URL.
  writeFileSync(script, `#!/bin/bash\n${steps.join('\n')}\nexec "$@"\n`, { mode: 0o755 });
  writeFileSync(file, `#!/bin/bash\nset -- '${real}' "$@"\nexec unshare --mount '${script}' "$@"\n`, { mode: 0o755 });
  return file;
}
