import { chmodSync, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { execute } from '../../support/servers/execute.ts';
import { notRun } from '../../support/servers/not-run.ts';
import { allProcesses, commandLine, isAlive, signal } from '../../support/servers/processes.ts';
import { runFolder } from '../../support/servers/run.ts';

/** The code of a dump is a superuser's in the throwaway server. It tries what it can from there. */

const isRoot = process.getuid?.() === 0;
const hasBubblewrap = existsSync('/usr/bin/bwrap');
if (!isRoot) notRun('the isolation of the throwaway server', 'other users are only tried as root');
if (!hasBubblewrap) notRun('bubblewrap', 'it is not installed');

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];
/** sudo lets nobody do everything, for one command and what it starts. */
const SUDOERS =
  'mount -t tmpfs -o mode=755 none /etc/sudoers.d && echo "nobody ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/test && exec "$@"';
const BY_SUDO = ['unshare', '--mount', 'sh', '-c', SUDOERS, 'sh', ...NOBODY];

interface Attacked {
  kind: string;
  reached: string[];
  /** Which of the four that it had started went on, by their number. */
  survivors: string[];
  /** What was left in the folder of the throwaway clusters. */
  left: string[];
}

/** A number that no other process has on its command line. */
let mark = '';

afterEach(() => {
  for (const pid of sleepers()) signal(pid, 'SIGKILL');
});

function sleepers(): number[] {
  return allProcesses().filter((pid) => isAlive(pid) && commandLine(pid).startsWith(`sleep ${mark}`));
}

async function attack(way: string, as: string[] = []): Promise<Attacked> {
  const base = mkdtempSync(join(runFolder(), 'isolation-'));
  chmodSync(base, as.length === 0 ? 0o711 : 0o777);
  mark = `9${String(Date.now()).slice(-6)}`;
  const program = join(import.meta.dirname, 'attack-program.ts');
  const [command = '', ...args] = [...as, process.execPath, '--no-warnings', program, base, way, mark];
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LIFEBOAT_TEST_SECRET: 'of the job',
  };
  const printed = await execute(command, args, { env });
  const survivors = sleepers().map((pid) => commandLine(pid).slice(-1));
  const [folder = ''] = readdirSync(base);
  return { ...JSON.parse(printed), survivors: survivors.sort(), left: readdirSync(join(base, folder, 's')) };
}

const NOTHING = { reached: [], survivors: [], left: [] };

(isRoot ? describe : describe.skip)('the code of a dump reaches', () => {
  (hasBubblewrap ? test : test.skip).each([
    ['root', 'bubblewrap', []],
    ['an ordinary user', 'bubblewrap', NOBODY],
    ['an ordinary user with sudo', 'bubblewrap by sudo', BY_SUDO],
  ])('%s, %s: nothing', async (_, way, as) => {
    expect(await attack(way, as)).toEqual({ kind: 'bubblewrap', ...NOTHING });
  });

  test.each([
    ['root', 'another user', []],
    ['an ordinary user with sudo', 'another user by sudo', BY_SUDO],
  ])('%s, %s: what every user may read, and nothing else', async (_, way, as) => {
    expect(await attack(way, as)).toEqual({ kind: 'another user', ...NOTHING, reached: ['the files of this machine'] });
  });

  test('root without namespaces: also the network', async () => {
    const { survivors, ...found } = await attack('another user alone');
    expect(found).toEqual({
      kind: 'another user',
      reached: ['the files of this machine', 'the network'],
      left: [],
    });
    // One that hides where it comes from is not found without namespaces.
    expect(survivors.filter((number) => number !== '4')).toEqual([]);
  });

  test('an ordinary user without any of it: everything but sudo, and it is said', async () => {
    const { survivors, ...found } = await attack('none alone', BY_SUDO);
    expect(found).toEqual({
      kind: 'none',
      reached: [
        'the environment of the job',
        'the files of this machine',
        'the socket of containers',
        'the network',
        'the file of later environments',
        'the code of the action',
      ],
      left: [],
    });
    expect(survivors.filter((number) => number !== '4')).toEqual([]);
  });
});
