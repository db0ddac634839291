import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startCluster } from '../../../src/postgres/scratch/cluster.ts';
import { serverPrograms } from '../../../src/postgres/scratch/programs.ts';
import { removeCluster } from '../../../src/postgres/scratch/remove-cluster.ts';
import { thisProcess } from '../../../src/process/owned-folder.ts';
import { inPrivateFolder } from '../../../src/process/private-folder.ts';
import { execute } from '../../support/servers/execute.ts';
import { notRun } from '../../support/servers/not-run.ts';
import { runFolder } from '../../support/servers/run.ts';
import { serverUser } from '../../support/servers/server-user.ts';
import { recordedContext } from '../../support/store/context.ts';

/** Another user of the machine prepares folders and files where root's restore tests keep theirs. */

const isRoot = process.getuid?.() === 0;
if (!isRoot) notRun('folders that another user prepares', 'only root can be another user too');

const ATTACKER = { uid: 65534, gid: 65534 };
/** Of a process that is gone. */
const GONE = JSON.stringify({ ...thisProcess(), pid: 1, started: 'long ago', mark: '0'.repeat(32) });

let parent: string;
let victim: string;

beforeEach(() => {
  parent = mkdtempSync(join(runFolder(), 'shared-'));
  chmodSync(parent, 0o1777);
  victim = mkdtempSync(join(runFolder(), 'victim-'));
  for (let n = 0; n < 200; n++) writeFileSync(join(victim, `f${n}`), 'of root');
});

function newFolder(name: string, owner = '', user = ATTACKER): string {
  const folder = join(parent, name);
  mkdirSync(folder);
  if (owner !== '') writeFileSync(join(folder, 'owner.json'), owner);
  if (owner !== '') chownSync(join(folder, 'owner.json'), user.uid, user.gid);
  chownSync(folder, user.uid, user.gid);
  return folder;
}

async function runCluster(): Promise<void> {
  const isAllowed = ({ closed }: { closed: boolean }) => !closed;
  await (await startCluster(parent, await serverPrograms(0, 0), recordedContext(), { isAllowed })).close();
}

/**
 * Folder `d` of the first argument is a link to the second for a moment, again and again. It works elsewhere, so that it is
 * not found and killed as something that the server has started.
 */
const SWAP = `my ($tree, $victim) = @ARGV; my ($d, $e) = ("$tree/d", "$tree/e"); $| = 1; print "begun"; while (1) {
  rename $d, $e; symlink $victim, $d; select undef, undef, undef, 0.0005; unlink $d; rename $e, $d;
  select undef, undef, undef, 0.0005;
}`;

function victims(): number {
  return readdirSync(victim).length;
}

(isRoot ? describe : describe.skip)('a folder where throwaway clusters are looked for', () => {
  test('a FIFO in place of owner.json: nobody waits for it', async () => {
    for (const user of [ATTACKER, { uid: 0, gid: 0 }]) {
      const folder = newFolder(`lifeboat-scratch-fifo${user.uid}`, '', user);
      await execute('mkfifo', [join(folder, 'owner.json')]);
    }
    await runCluster();
    expect(readdirSync(parent).sort()).toEqual(['lifeboat-scratch-fifo0', 'lifeboat-scratch-fifo65534']);
  });

  test("another user's folder is not removed, whatever owner.json says", async () => {
    const folder = newFolder('lifeboat-scratch-theirs', GONE);
    symlinkSync(victim, join(folder, 'data'));
    await runCluster();
    expect(existsSync(folder)).toBe(true);
    await expect(removeCluster(folder)).rejects.toThrow(/not a folder of this user alone/);
    expect(victims()).toBe(200);
  });

  test("a link to a folder of root's, and a link in place of owner.json", async () => {
    writeFileSync(join(victim, 'owner.json'), GONE);
    symlinkSync(victim, join(parent, 'lifeboat-scratch-link'));
    const folder = newFolder('lifeboat-scratch-file', '', { uid: 0, gid: 0 });
    symlinkSync(join(victim, 'owner.json'), join(folder, 'owner.json'));
    await runCluster();
    expect(existsSync(folder)).toBe(true);
    expect(victims()).toBe(201);
  });

  test('a folder of ours that every user may write is left alone', async () => {
    const folder = newFolder('lifeboat-scratch-open', GONE, { uid: 0, gid: 0 });
    chmodSync(folder, 0o777);
    await runCluster();
    expect(existsSync(folder)).toBe(true);
  });

  test('by default it is one that only root may write', async () => {
    const cluster = await startCluster(null, await serverPrograms(0, 0), recordedContext());
    const place = join(cluster.folder, '..');
    await cluster.close();
    expect(statSync(place)).toMatchObject({ uid: 0, mode: 0o40711 });
    expect(existsSync(cluster.folder)).toBe(false);
  });
});

(isRoot ? describe : describe.skip)('a tree that its owner changes while it is removed', () => {
  let attacker: ChildProcess;

  afterEach(async () => {
    if (attacker.kill('SIGKILL')) await once(attacker, 'exit');
  });

  test("leads to no file of root's", async () => {
    const { uid = 0, gid = 0 } = serverUser();
    for (let round = 0; round < 5; round++) {
      const folder = mkdtempSync(join(parent, 'lifeboat-scratch-'));
      chmodSync(folder, 0o711);
      writeFileSync(join(folder, 'owner.json'), GONE, { mode: 0o600 });
      const tree = join(folder, 'data');
      mkdirSync(join(tree, 'd'), { recursive: true });
      for (let n = 0; n < 200; n++) writeFileSync(join(tree, 'd', `f${n}`), '');
      for (const path of [tree, join(tree, 'd')]) chownSync(path, uid, gid);
      const args = ['-e', SWAP, tree, victim];
      attacker = spawn('perl', args, { uid, gid, cwd: '/', stdio: ['ignore', 'pipe', 'ignore'] });
      await once(attacker.stdout as Readable, 'data');
      await removeCluster(folder).catch(() => {});
      if (attacker.kill('SIGKILL')) await once(attacker, 'exit');
    }
    expect(victims()).toBe(200);
  });
});

describe('the folder of definitions', () => {
  const SHARED = mkdtempSync(join(runFolder(), 'shm-'));

  test("what a killed run left there goes with the next one; what is another's stays", async () => {
    for (const [name, owner] of [
      ['gone', GONE],
      ['lives', JSON.stringify(thisProcess())],
    ] as const) {
      const folder = join(SHARED, `lifeboat-definitions-${name}`);
      mkdirSync(folder, { mode: 0o700 });
      writeFileSync(join(folder, 'owner.json'), owner);
      writeFileSync(join(folder, 'archive'), 'definitions');
    }
    await inPrivateFolder(
      recordedContext(),
      async (folder) => expect(statSync(folder).mode & 0o777).toBe(0o700),
      SHARED,
    );
    expect(readdirSync(SHARED)).toEqual(['lifeboat-definitions-lives']);
  });

  test.each([
    ['missing', '/nonexistent/shm'],
    ['read-only', '/sys'],
  ])('is elsewhere where /dev/shm is %s', async (_, shared) => {
    const context = recordedContext();
    const used = await inPrivateFolder(context, async (folder) => folder, shared);
    expect(used.startsWith(shared)).toBe(false);
    expect(existsSync(used)).toBe(false);
    expect([...context.leftovers]).toEqual([]);
  });
});
