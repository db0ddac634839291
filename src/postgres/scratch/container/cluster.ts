import { randomBytes } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LifeboatError, messageOf } from '../../../errors.ts';
import { runTool, type ToolContext, ToolError } from '../../../process/child.ts';
import { endContainerProcess, engineEnvironment } from '../../../process/container.ts';
import { sweepFolders, thisProcess } from '../../../process/owned-folder.ts';
import { type Engine, engineReason, engineWithImage, runEngine } from '../../toolset/container-engine.ts';
import { containerToolset } from '../../toolset/container-toolset.ts';
import { restoringToolset, toolsetPlaces } from '../../toolset/find-toolset.ts';
import { localToolsets } from '../../toolset/local-toolsets.ts';
import type { Toolset, ToolsetChoice } from '../../toolset/toolset.ts';
import type { ScratchCluster } from '../cluster.ts';
import { type ClusterFolder, createFolder, defaultParent } from '../cluster-folder.ts';
import { PREFIX, removeCluster, removeTree } from '../remove-cluster.ts';
import { freeBelow, watchUsage } from '../size-watch.ts';
import { answersOn } from '../wait-until-ready.ts';
import { PROCESSES, runArguments, SOCKET_INSIDE, WRITABLE_INSIDE } from './arguments.ts';
import { isLeftByEndedRun, newContainerName } from './name.ts';

/** Milliseconds. */
const START_TIMEOUT = 60_000;
const POLL = 50;
/** Asking the engine takes a while. */
const ASK_INTERVAL = 1_000;

export interface ContainerOptions {
  image: string;
  choice: ToolsetChoice;
  /** The major of the pg_dump that made the backup. */
  clientMajor: number;
  sizeLimit: number;
}

/** A throwaway server in a container, and the programs that reach it. */
export interface ContainerCluster extends ScratchCluster {
  toolset: Toolset;
}

interface Container {
  engine: Engine;
  name: string;
  image: string;
}

/**
 * Starts a throwaway server in a container of its own that has no network, few rights, and bounds for memory and processes.
 * We reach it on a socket in a folder of ours that is mounted in there, or by running programs in there.
 */
export async function startContainerCluster(
  options: ContainerOptions,
  context: ToolContext,
): Promise<ContainerCluster> {
  const { image } = options;
  const container = {
    engine: await engineWithImage(image),
    name: newContainerName(),
    image,
  };
  const parent = await defaultParent({ sudo: false });
  await removeContainersOfEndedRuns(container.engine);
  await sweepFolders(parent, PREFIX, removeCluster);
  const folder = await createFolder(parent, { ...thisProcess() });
  const forgetFolder = context.track({ kind: 'folder', path: folder.path });
  const serverProcess = { kind: 'container', engine: container.engine, name: container.name } as const;
  const forgetContainer = context.track(serverProcess);
  let stopWatch = () => {};
  const close = async () => {
    stopWatch();
    await endContainerProcess(serverProcess);
    forgetContainer();
    await removeFolder(folder, container);
    forgetFolder();
  };
  try {
    await mkdir(folder.socket);
    // Its user is not ours; of ours, nobody comes through the folder above.
    await chmod(folder.socket, 0o777);
    const superuser = `lifeboat_${randomBytes(4).toString('hex')}`;
    await runContainer(container, runArguments(container.name, folder.socket, superuser, image), context);
    const isReachable = await waitUntilReady(container, folder, context);
    const { toolset, host } = await chooseToolset(container, folder, isReachable, options);
    const size = await sizeInside(container);
    const watched = { place: `container ${container.name}`, limit: options.sizeLimit };
    const used = async () => (await sizeInside(container)) - size;
    const sizeWatch = watchUsage(
      { ...watched, used, free: () => freeBelow(folder.path) },
      () => void endContainerProcess(serverProcess).catch(() => {}),
    );
    stopWatch = sizeWatch.stop;
    const connection = { PGHOST: host, PGPORT: '5432', PGDATABASE: 'postgres', PGUSER: superuser };
    return { connection, folder: folder.path, isolation: 'container', problem: sizeWatch.problem, close, toolset };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One that cannot be removed is left to the next run, as a folder is. */
async function removeContainersOfEndedRuns(engine: Engine): Promise<void> {
  const { stdout } = await runEngine(engine, ['ps', '--all', `--filter=name=${PREFIX}`, '--format={{.Names}}']);
  for (const name of stdout.split('\n').filter(isLeftByEndedRun)) {
    await endContainerProcess({ kind: 'container', engine, name }).catch(() => {});
  }
}

/** An engine that cannot bound memory or processes here (rootless, with old cgroups) refuses them. */
async function runContainer(
  { engine, image }: Container,
  args: (bounds: boolean) => string[],
  context: ToolContext,
): Promise<void> {
  let reason = await whyNotRun(engine, args(true), context);
  if (reason !== null && /cgroup|limit/i.test(reason)) reason = await whyNotRun(engine, args(false), context);
  if (reason === null) return;
  const hint = /short-name|unqualified/i.test(reason)
    ? 'podman looks in no registry unless its configuration names one: write the full name, such as docker.io/library/postgres:17.'
    : 'Name an image of PostgreSQL that this machine has or can fetch, such as postgres:17.';
  throw new LifeboatError(`scratch-image: ${engine} cannot run ${JSON.stringify(image)}: ${reason}. ${hint}`);
}

/** It may have to fetch the image, which ends with the run. A group, so that `post:` ends it before the container. */
async function whyNotRun(engine: Engine, args: string[], { signal, track }: ToolContext): Promise<string | null> {
  const spec = { name: `${engine} run`, command: engine, args, env: engineEnvironment(), group: true } as const;
  try {
    await runTool(spec, { signal, track });
    return null;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ToolError)) throw error;
    return engineReason(error.stderr) ?? error.message;
  }
}

/** Returns whether its socket answers on this machine. It does not where the engine runs on another one. */
async function waitUntilReady(
  container: Container,
  { socket }: ClusterFolder,
  { signal }: ToolContext,
): Promise<boolean> {
  const { engine, name } = container;
  const here = join(socket, '.s.PGSQL.5432');
  let lastCheck = Date.now();
  for (const end = Date.now() + START_TIMEOUT; Date.now() < end; await sleep(POLL)) {
    signal.throwIfAborted();
    if (await answersOn(here)) return true;
    if (Date.now() - lastCheck < ASK_INTERVAL) continue;
    lastCheck = Date.now();
    const state = await runEngine(engine, ['inspect', '--type=container', '--format={{.State.Running}}', name]);
    if (state.stdout.trim() !== 'true') throw await notStarted(container, 'it ended at once.');
    const ready = await runEngine(engine, ['exec', name, 'pg_isready', '-q', '-h', SOCKET_INSIDE]);
    if (ready.exitCode === 0) return answersOn(here);
  }
  throw await notStarted(container, `it was not ready within ${START_TIMEOUT / 1000} s.`);
}

async function notStarted({ engine, name, image }: Container, why: string): Promise<LifeboatError> {
  const { stdout } = await runEngine(engine, ['logs', '--tail=20', name]);
  return new LifeboatError(
    `scratch-image: the throwaway PostgreSQL of image ${JSON.stringify(image)} did not start: ${why} It said: ${stdout.trim().slice(-2_000)}`,
  );
}

/** Programs of this machine where they are new enough and reach the socket, else those of the image. */
async function chooseToolset(
  { engine, name, image }: Container,
  { socket }: ClusterFolder,
  isReachable: boolean,
  { choice, clientMajor }: ContainerOptions,
): Promise<{ toolset: Toolset; host: string }> {
  if (choice.kind === 'local') {
    if (!isReachable)
      throw new LifeboatError('toolset: the socket of scratch-image is not on this machine. Write auto.');
    return { toolset: await restoringToolset(toolsetPlaces(choice, {}), clientMajor), host: socket };
  }
  const theirs = await containerToolset(name, engine);
  const needed = Math.max(clientMajor, theirs.major);
  const [ours] = (await localToolsets()).filter(({ major }) => major >= needed).sort((a, b) => a.major - b.major);
  if (ours && isReachable) return { toolset: ours, host: socket };
  if (theirs.major >= clientMajor) return { toolset: theirs, host: SOCKET_INSIDE };
  throw new LifeboatError(
    `scratch-image: the backup was made by pg_dump ${clientMajor}, and ${JSON.stringify(image)} has pg_restore ${theirs.version}. Name an image of version ${clientMajor} or newer.`,
  );
}

/** Bytes of all that can be written in there. */
async function sizeInside({ engine, name }: Container): Promise<number> {
  const { stdout } = await runEngine(engine, ['exec', name, 'du', '-skx', '/', ...WRITABLE_INSIDE]);
  return stdout.split('\n').reduce((sum, line) => sum + (Number.parseInt(line, 10) || 0) * 1024, 0);
}

/** Folders that the server's user made beside its socket are not ours to empty. */
async function removeFolder({ path, socket }: ClusterFolder, { engine, image }: Container): Promise<void> {
  try {
    await removeTree(path);
  } catch (error) {
    const empty = ['--user=postgres', '--entrypoint=find', image, SOCKET_INSIDE, '-mindepth', '1', '-delete'];
    const alone = ['run', '--rm', '--network=none', `--pids-limit=${PROCESSES}`, `--volume=${socket}:${SOCKET_INSIDE}`];
    const { exitCode } = await runEngine(engine, [...alone, ...empty]);
    if (exitCode !== 0)
      throw new LifeboatError(`${JSON.stringify(path)} is left: ${messageOf(error)}`, { cause: error });
    await removeTree(path);
  }
}
