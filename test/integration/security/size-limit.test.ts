import { chmodSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ScratchCluster, startCluster } from '../../../src/postgres/scratch/cluster.ts';
import { serverPrograms } from '../../../src/postgres/scratch/programs.ts';
import { sizeLimitOf } from '../../../src/postgres/scratch/size-watch.ts';
import { Session } from '../../../src/postgres/session/session.ts';
import { runFolder } from '../../support/servers/run.ts';
import { recordedContext } from '../../support/store/context.ts';
import { failureOf } from '../../support/store/objects.ts';

/** The code of a dump fills the disk, the memory and the table of processes. */

let parent: string;
let cluster: ScratchCluster;
let session: Session;

async function start(sizeLimit?: number): Promise<void> {
  const [toolset, context] = [await serverPrograms(0, 0), recordedContext()];
  cluster = await startCluster(parent, toolset, context, sizeLimit === undefined ? {} : { sizeLimit });
  session = await Session.open({ toolset, connection: cluster.connection, id: 'test', context }, 'admin');
}

beforeEach(() => {
  parent = mkdtempSync(join(runFolder(), 'z-'));
  chmodSync(parent, 0o711);
});

afterEach(async () => {
  session.kill();
  await cluster.close();
  expect(readdirSync(parent)).toEqual([]);
});

test('a database that grows beyond the limit ends the restore', async () => {
  await start(100 * 1000 ** 2);
  await failureOf(
    session.run('create table public.t as select repeat(md5(n::text), 100) from generate_series(1, 10000000) n'),
  );
  expect(cluster.problem()?.message).toMatch(
    /^The restore was stopped: the throwaway server has filled .* of "\/.*, and the limit is 100 MB/,
  );
});

test('a file that a program of the dump writes counts too', async () => {
  await start(100 * 1000 ** 2);
  await failureOf(session.run("copy (select 1) to program 'cat > /dev/null; cat /dev/zero > filled'"));
  expect(cluster.problem()?.message).toMatch(/the limit is 100 MB/);
});

test('a database of the usual size does not', async () => {
  await start(sizeLimitOf(1_000_000));
  await session.run('create table public.t as select repeat(md5(n::text), 100) from generate_series(1, 10000) n');
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(await session.query('select 1 as one')).toEqual([{ one: 1 }]);
  expect(cluster.problem()).toBeNull();
});

describe('every process of it has bounds', () => {
  test('for memory, processes and core files', async () => {
    await start();
    await session.run("create temp table limits (line text); copy limits from program 'cat /proc/self/limits'");
    const limits = (await session.query<{ line: string }>('select line from limits')).map(({ line }) => line);
    const softLimit = (name: string) =>
      limits
        .find((line) => line.startsWith(name))
        ?.slice(name.length)
        .trim()
        .split(/\s+/)[0];
    expect(softLimit('Max address space')).toMatch(/^\d+$/);
    expect(softLimit('Max processes')).toMatch(/^\d+$/);
    expect(softLimit('Max core file size')).toBe('0');
  });
});
