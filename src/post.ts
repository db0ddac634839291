import { rm } from 'node:fs/promises';
import { LifeboatError, messageOf } from './errors.ts';
import type { Leftover } from './leftovers.ts';
import type { Log } from './report/log.ts';
import { endGroup, identify } from './stream/child.ts';
import { endInside } from './stream/container.ts';

/**
 * The `post:` step: ends what a killed main left behind. It is quick, may run twice, and only warns. `after` runs the
 * commands of that input.
 */
export async function cleanUp(leftovers: Leftover[], log: Log, after: () => Promise<string[]>): Promise<void> {
  for (const leftover of [...leftovers].sort((a, b) => turnOf(a) - turnOf(b))) {
    try {
      if (leftover.kind === 'after') await runAfterIt(after, log);
      else await end(leftover, log);
    } catch (error) {
      log.warning(
        `Left behind by the run that was ended, remove it by hand: ${describe(leftover)} (${messageOf(error)})`,
      );
    }
  }
}

/**
 * A group works in a folder, so it goes before that. A folder can also be a cluster's, whose server must end in order
 * before its process would be killed.
 */
function turnOf(leftover: Leftover): number {
  if (leftover.kind === 'after') return 3;
  if (leftover.kind === 'process' && leftover.group) return 0;
  return leftover.kind === 'folder' ? 1 : 2;
}

async function runAfterIt(after: () => Promise<string[]>, log: Log): Promise<void> {
  const failures = await after();
  for (const failure of failures) log.warning(`${failure} Run it by hand.`);
}

async function end(leftover: Exclude<Leftover, { kind: 'after' }>, log: Log): Promise<void> {
  if (leftover.kind === 'process') return endProcess(leftover);
  if (leftover.kind === 'file') return rm(leftover.path, { force: true });
  if (leftover.kind === 'folder') {
    const { removeCluster } = await import('./postgres/scratch/cluster.ts');
    return removeCluster(leftover.path);
  }
  if (leftover.kind === 'container' || leftover.kind === 'container-process') return endInside(leftover);
  if (leftover.kind === 'database') throw new LifeboatError('no password is kept for this step');
  const { abortS3Upload } = await import('./store/s3/abort.ts');
  await abortS3Upload(leftover);
  log.info(`Aborted the unfinished ${describe(leftover)}.`);
}

function endProcess({ pid, started, group }: Extract<Leftover, { kind: 'process' }>): void {
  if (started === '' || identify(pid).started !== started) return;
  if (group) endGroup(pid, 'SIGKILL');
  else process.kill(pid, 'SIGKILL');
}

function describe(leftover: Leftover): string {
  if (leftover.kind === 'after') return 'what before has stopped';
  if (leftover.kind === 'process') return `process ${leftover.pid}`;
  if (leftover.kind === 'file' || leftover.kind === 'folder') return `${leftover.kind} ${leftover.path}`;
  if (leftover.kind === 'container') return `container ${leftover.name}`;
  if (leftover.kind === 'container-process') return `PostgreSQL’s program in container ${leftover.container}`;
  if (leftover.kind === 'database') return `database ${JSON.stringify(leftover.database)} on ${leftover.host}`;
  return `upload of ${leftover.key} to bucket ${leftover.bucket} (upload id ${leftover.uploadId})`;
}
