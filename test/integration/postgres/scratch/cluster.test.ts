import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { LifeboatError } from '../../../../src/errors.ts';
import { type ScratchCluster, startCluster } from '../../../../src/postgres/scratch/cluster.ts';
import type { Isolation } from '../../../../src/postgres/scratch/isolation/isolation.ts';
import { serverPrograms } from '../../../../src/postgres/scratch/programs.ts';
import { Session } from '../../../../src/postgres/session/session.ts';
import type { LocalToolset } from '../../../../src/postgres/toolset/local-toolsets.ts';
import {
  allProcesses,
  childrenOf,
  commandLine,
  isAlive,
  signal,
  waitUntilGone,
  workingFolder,
} from '../../../support/servers/processes.ts';
import { runFolder } from '../../../support/servers/run.ts';
import { type RecordedContext, recordedContext } from '../../../support/store/context.ts';
import { failureOf } from '../../../support/store/objects.ts';

let toolset: LocalToolset;
let parent: string;
let context: RecordedContext;

beforeAll(async () => {
  process.env.LIFEBOAT_SECRET = 'of the runner';
  toolset = await serverPrograms(0, 0);
});

beforeEach(() => {
  parent = newParent();
  context = recordedContext();
});

afterEach(() => {
  for (const pid of serversBelow(parent)) signal(pid, 'SIGQUIT');
});

/** The server runs as another user when we are root: it passes through. */
function newParent(): string {
  const folder = mkdtempSync(join(runFolder(), 's-'));
  chmodSync(folder, 0o711);
  return folder;
}

/** Every process that works somewhere below the folder: PostgreSQL's all do. */
function serversBelow(folder: string): number[] {
  return allProcesses().filter((pid) => isAlive(pid) && workingFolder(pid).startsWith(`${folder}/`));
}

/** What postmaster.pid says is its id among those that it sees. */
function postmasterOf({ folder }: { folder: string }): number {
  const found = serversBelow(folder).filter((pid) => commandLine(pid).includes(` -D ${folder}/data `));
  return found.find((pid) => /(^|\/)postgres -D/.test(commandLine(pid))) ?? 0;
}

/** Variables of the server's environment. */
const OURS = ['PATH', 'LC_ALL', 'TZ', 'PG_GRANDPARENT_PID', 'LIFEBOAT_SCRATCH', 'PWD'];

/** The ways in which a cluster runs on this machine: by name, and how it is chosen. */
function waysHere(): [string, (isolation: Isolation) => boolean][] {
  return [
    ...(existsSync('/usr/bin/bwrap')
      ? [['bubblewrap', ({ kind }: Isolation) => kind === 'bubblewrap' || kind === 'none']]
      : []),
    ['a user in namespaces', ({ kind }) => kind !== 'bubblewrap'],
    ['without namespaces', ({ closed }) => !closed],
  ] as [string, (isolation: Isolation) => boolean][];
}

async function sessionOf({ connection }: ScratchCluster): Promise<Session> {
  return Session.open({ toolset, connection, id: 'test', context: recordedContext() }, 'admin');
}

async function expectNothingLeft(): Promise<void> {
  expect(await waitUntilGone(serversBelow(parent))).toEqual([]);
  expect(readdirSync(parent)).toEqual([]);
  expect([...context.leftovers]).toEqual([]);
}

const ways = waysHere();

describe.each(ways)('a cluster: %s', (_, isAllowed) => {
  let cluster: ScratchCluster;
  let session: Session;

  beforeEach(async () => {
    cluster = await startCluster(parent, toolset, context, { isAllowed });
    session = await sessionOf(cluster);
  });

  afterEach(async () => {
    session.kill();
    await cluster.close();
  });

  test('is ours alone: a folder that nobody else enters, a superuser of an odd name, a socket and no TCP', async () => {
    // The server's user passes through the outer one, and enters the others.
    expect(statSync(cluster.folder)).toMatchObject({ uid: process.getuid?.(), mode: 0o40711 });
    for (const name of ['data', 's']) expect(statSync(join(cluster.folder, name)).mode & 0o7777).toBe(0o700);
    const [facts] = await session.query(
      `select current_user as name, current_setting('listen_addresses') as tcp, inet_server_addr() as address`,
    );
    expect(facts).toEqual({ name: expect.stringMatching(/^lifeboat_[0-9a-f]{8}$/), tcp: '', address: null });
    const inodes = serversBelow(parent).flatMap(socketsOf);
    expect(inodes.length).toBeGreaterThan(0);
    const listening = ['tcp', 'tcp6'].flatMap(listeningSockets);
    expect(inodes.filter((inode) => listening.includes(inode))).toEqual([]);
  });

  test('has nothing of our environment', async () => {
    const environment = readFileSync(`/proc/${postmasterOf(cluster)}/environ`, 'utf8')
      .split('\0')
      .filter(Boolean);
    const names = environment.map((line) => line.split('=', 1)[0]);
    expect(names.filter((name) => !OURS.includes(name ?? ''))).toEqual([]);
    await session.run(`create temp table seen (line text); copy seen from program 'env'`);
    const seen = await session.query<{ line: string }>('select line from seen');
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.filter(({ line }) => line.includes('LIFEBOAT_SECRET'))).toEqual([]);
  });

  test('what must not outlive us is known: the folder and the server', () => {
    expect([...context.leftovers]).toEqual([
      { kind: 'folder', path: cluster.folder },
      { kind: 'process', pid: expect.any(Number), started: expect.stringMatching(/^\d+$/) },
    ]);
    const [, leftover] = context.leftovers;
    const pid = leftover?.kind === 'process' ? leftover.pid : 0;
    expect([pid, ...childrenOf(pid)]).toContain(postmasterOf(cluster));
  });

  test('is gone when it is closed, though somebody is connected', async () => {
    const socket = join(cluster.folder, 's', '.s.PGSQL.5432');
    expect(existsSync(socket)).toBe(true);
    await cluster.close();
    await expectNothingLeft();
    await cluster.close(); // A second time is no error.
  });

  test('its server ends when the run is cancelled, and nothing is left once it is closed', async () => {
    const postmaster = postmasterOf(cluster);
    context.cancel();
    expect(await waitUntilGone([postmaster])).toEqual([]);
    await cluster.close();
    await expectNothingLeft();
  });

  test('its server was killed by somebody: closing removes the folder', async () => {
    const processes = serversBelow(parent);
    for (const pid of processes) signal(pid, 'SIGKILL');
    await waitUntilGone(processes);
    await cluster.close();
    await expectNothingLeft();
  });
});

function socketsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [];
    return inode === undefined ? [] : [inode];
  });
}

/** Inodes of sockets that listen: state 0A (proc(5), /proc/net/tcp). */
function listeningSockets(protocol: string): string[] {
  const lines = readFileSync(`/proc/net/${protocol}`, 'utf8').trim().split('\n').slice(1);
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return fields.filter(([, , , state]) => state === '0A').map((line) => line[9] ?? '');
}

describe('it does not start', () => {
  test('the run is cancelled meanwhile', async () => {
    setTimeout(context.cancel, 300);
    await failureOf(startCluster(parent, toolset, context));
    await expectNothingLeft();
  });

  test('the run was cancelled before', async () => {
    context.cancel();
    await failureOf(startCluster(parent, toolset, context));
    await expectNothingLeft();
  });

  test("the folder's name is too long for a socket", async () => {
    const long = join(parent, 'a'.repeat(90));
    mkdirSync(long);
    const error = await failureOf(startCluster(long, toolset, context));
    expect(error).toBeInstanceOf(LifeboatError);
    expect(error.message).toMatch(/^scratch-dir: .* is too long for a socket, .* Name a shorter folder\.$/);
    expect(readdirSync(long)).toEqual([]);
  });

  test.each([
    ['is not there', (folder: string) => join(folder, 'missing')],
    [
      'is a file',
      (folder: string) => {
        const file = join(folder, 'file');
        writeFileSync(file, '');
        return file;
      },
    ],
  ])('the folder %s', async (_, place) => {
    const error = await failureOf(startCluster(place(parent), toolset, context));
    expect(error).toBeInstanceOf(LifeboatError);
    expect(error.message).toMatch(/^scratch-dir: /);
  });

  test('the server refuses: what it said is told', async () => {
    const broken: LocalToolset = {
      ...toolset,
      path: (tool) => (tool === 'postgres' ? '/bin/false' : toolset.path(tool)),
    };
    const error = await failureOf(startCluster(parent, broken, context));
    expect(error).toBeInstanceOf(LifeboatError);
    expect(error.message).toContain('The throwaway PostgreSQL did not start (/bin/false): it ended at once.');
    await expectNothingLeft();
  });

  test('there is no such program', async () => {
    const missing: LocalToolset = {
      ...toolset,
      path: (tool) => (tool === 'postgres' ? '/nonexistent/postgres' : toolset.path(tool)),
    };
    const error = await failureOf(startCluster(parent, missing, context));
    expect(error).toBeInstanceOf(LifeboatError);
    expect(error.message).toContain('/nonexistent/postgres');
    await expectNothingLeft();
  });
});

describe('whoever started it was killed', () => {
  let owner: ChildProcess | null = null;

  /** Starts a cluster in another process; resolves with its folder. */
  async function startElsewhere(): Promise<string> {
    const started = spawn(process.execPath, ['--no-warnings', join(import.meta.dirname, 'start-program.ts'), parent], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    owner = started;
    const [folder] = await once(createInterface({ input: started.stdout }), 'line');
    return folder as string;
  }

  async function kill(): Promise<void> {
    if (owner?.kill('SIGKILL')) await once(owner, 'exit');
    owner = null;
  }

  afterEach(kill);

  test('the next one that starts there ends its server and removes its folder', async () => {
    const left = await startElsewhere();
    await kill();
    expect(serversBelow(left)).not.toEqual([]);
    const cluster = await startCluster(parent, toolset, context);
    expect(serversBelow(left).map(commandLine)).toEqual([]);
    expect(readdirSync(parent)).toEqual([cluster.folder.slice(parent.length + 1)]);
    await cluster.close();
    await expectNothingLeft();
  });

  test('the server went with it: the folder is removed', async () => {
    const left = await startElsewhere();
    await kill();
    for (const pid of serversBelow(left)) signal(pid, 'SIGKILL');
    await (await startCluster(parent, toolset, context)).close();
    await expectNothingLeft();
  });

  test('it lives: its cluster is left alone', async () => {
    const other = await startElsewhere();
    await (await startCluster(parent, toolset, context)).close();
    expect(serversBelow(other)).not.toEqual([]);
    expect(existsSync(join(other, 'data', 'PG_VERSION'))).toBe(true);
  });

  test('a folder of that name that nobody is known to own is left alone', async () => {
    mkdirSync(join(parent, 'lifeboat-scratch-mine'));
    await (await startCluster(parent, toolset, context)).close();
    expect(readdirSync(parent)).toEqual(['lifeboat-scratch-mine']);
  });
});
