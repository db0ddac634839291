import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hasEnded, thisProcess } from '../../../process/owned-folder.ts';
import { PREFIX } from '../remove-cluster.ts';

/**
 * A container's name says which process created it: a killed run's container outlives that run's folders, because a runner
 * empties its folder of temporary files before each job.
 */
export function newContainerName(): string {
  const { pid, started, namespace } = thisProcess();
  const words = [scopeOf(namespace), pid, started, Math.floor(Date.now() / 1000), randomBytes(4).toString('hex')];
  return PREFIX + words.join('-');
}

/** Whether the run that created a container of this name has ended; false: it is not one of ours. */
export function isLeftByEndedRun(name: string): boolean {
  const [, scope, pid, started = '', created] =
    /^lifeboat-scratch-([0-9a-f]{12})-(\d+)-(\d+)-(\d+)-[0-9a-f]{8}$/.exec(name) ?? [];
  if (scope === undefined) return false;
  const isHere = scope === scopeOf(thisProcess().namespace);
  return hasEnded({ pid: Number(pid), started, isHere }, Number(created) * 1000);
}

/**
 * Where a pid means one process: a boot of a machine, and a namespace of pids in it. Several machines can share one engine,
 * and the first namespace has the same number on each of them (pid_namespaces(7), random(4)).
 */
function scopeOf(namespace: string): string {
  return createHash('sha256').update(`${bootId()} ${namespace}`).digest('hex').slice(0, 12);
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return ''; // Not Linux: a process has no known start there, so no name of its containers is recognized.
  }
}
