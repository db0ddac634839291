import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type ContainerCluster, startContainerCluster } from '../../../../../src/postgres/scratch/container/cluster.ts';
import { Session } from '../../../../../src/postgres/session/session.ts';
import { podmanEnvironment, whyNoContainers } from '../../../../support/servers/container-engine.ts';
import { containersOf, importClientImage, importServerImage } from '../../../../support/servers/containers.ts';
import { execute } from '../../../../support/servers/execute.ts';
import { notRun } from '../../../../support/servers/not-run.ts';
import { localPrograms } from '../../../../support/servers/postgres-programs.ts';
import { allProcesses, commandLine, isAlive, waitUntilGone } from '../../../../support/servers/processes.ts';
import { type RecordedContext, recordedContext } from '../../../../support/store/context.ts';
import { failureOf } from '../../../../support/store/objects.ts';

const why = whyNoContainers();
if (why !== null) notRun('scratch-image', why);

const before = { ...process.env };
let image: string;
let context: RecordedContext;
const defaults = { choice: { kind: 'auto' }, clientMajor: 13, sizeLimit: Number.POSITIVE_INFINITY } as const;

(why === null ? describe : describe.skip)('a throwaway container', () => {
  beforeAll(async () => {
    Object.assign(process.env, podmanEnvironment());
    image = await importServerImage(localPrograms()?.binDir ?? '', 'unit');
  });

  afterAll(() => {
    process.env = before;
  });

  beforeEach(() => {
    context = recordedContext();
  });

  async function sessionOf({ connection, toolset }: ContainerCluster): Promise<Session> {
    return Session.open({ toolset, connection, id: 'test', context: recordedContext() }, 'admin');
  }

  async function expectNothingLeft(folder: string): Promise<void> {
    expect(await containersOf(image)).toEqual([]);
    expect(() => readdirSync(folder)).toThrow(/ENOENT/);
    expect([...context.leftovers]).toEqual([]);
  }

  test('is reached by programs of this machine on its socket', async () => {
    const cluster = await startContainerCluster({ ...defaults, image }, context);
    expect(cluster.isolation).toBe('container');
    expect(cluster.connection.PGHOST).toBe(`${cluster.folder}/s`);
    const session = await sessionOf(cluster);
    expect(await session.query('select 1 as one')).toEqual([{ one: 1 }]);
    session.kill();
    await cluster.close();
    await expectNothingLeft(cluster.folder);
  });

  test('the code of a dump has no network, few rights, bounds, and does not outlive it', async () => {
    const cluster = await startContainerCluster({ ...defaults, image }, context);
    const session = await sessionOf(cluster);
    const ask = async (script: string) => {
      await session.run(
        `create temp table if not exists said (line text); truncate said; copy said from program $sh$${script}$sh$ with (delimiter '~')`,
      );
      return (await session.query<{ line: string }>('select line from said')).map(({ line }) => line);
    };
    expect(await ask('grep -c : /proc/net/dev')).toEqual(['1']);
    expect(await ask('grep -hE "^(CapBnd|NoNewPrivs)" /proc/self/status')).toEqual([
      expect.stringMatching(/CapBnd:\s*0+$/),
      expect.stringMatching(/NoNewPrivs:\s*1/),
    ]);
    expect(await ask('cat /proc/[0-9]*/environ | grep -zc CONTAINERS_CONF || true')).toEqual(['0']);
    await session.run("copy (select 1) to program 'cat > /dev/null; env -i setsid sleep 98431 > /dev/null 2>&1 &'");
    const runs = () => allProcesses().filter((pid) => isAlive(pid) && commandLine(pid) === 'sleep 98431');
    while (runs().length === 0) await sleep(20);
    expect(runs()).toHaveLength(1);
    const bounds = '--format={{.HostConfig.PidsLimit}} {{gt .HostConfig.Memory 0}}';
    const [name = ''] = await containersOf(image);
    expect(await execute('podman', ['inspect', bounds, name])).toBe('512 true\n');
    session.kill();
    await cluster.close();
    expect(await waitUntilGone(runs())).toEqual([]);
    await expectNothingLeft(cluster.folder);
  });

  test('it is ended when it fills more than the limit, and that is said', async () => {
    const cluster = await startContainerCluster({ ...defaults, image, sizeLimit: 50 * 1024 ** 2 }, context);
    const session = await sessionOf(cluster);
    const filling = session.run(
      'create table public.t as select repeat(md5(n::text), 100) from generate_series(1, 10000000) n',
    );
    await failureOf(filling);
    expect(cluster.problem()?.message).toMatch(/^The restore was stopped: .* has filled .* the limit is 52\.4 MB/);
    await cluster.close();
    await expectNothingLeft(cluster.folder);
  });

  test.each([
    [
      'a short name',
      'postgres:99',
      /^scratch-image: podman cannot run "postgres:99": .*(short-name|unqualified).* docker\.io\/library\/postgres:17\.$/,
    ],
    [
      'an image that does not exist',
      'localhost/nothing:1',
      /^scratch-image: podman cannot run "localhost\/nothing:1": .*Name an image/,
    ],
  ])('%s: what to write is said', async (_, wrong, message) => {
    const error = await failureOf(startContainerCluster({ ...defaults, image: wrong }, context));
    expect(error.message).toMatch(message);
    expect([...context.leftovers]).toEqual([]);
  });

  test('an image without a server: what it said is told', async () => {
    const client = await importClientImage(localPrograms()?.binDir ?? '');
    const error = await failureOf(startContainerCluster({ ...defaults, image: client }, context));
    expect(error.message).toMatch(/^scratch-image: /);
    expect([...context.leftovers]).toEqual([]);
  });
});
