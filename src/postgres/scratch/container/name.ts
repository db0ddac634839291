import { randomBytes } from 'node:crypto';
import { hasEnded, namespaceOfProcesses, thisProcess } from '../../../process/owned-folder.ts';
import { PREFIX } from '../remove-cluster.ts';

/**
 * A container's name says whose it is: a killed run's container outlives its folders, for a runner empties its folder of
 * temporary files before each job.
 */
export function newContainerName(): string {
  const { pid, started, namespace } = thisProcess();
  const words = [idOf(namespace), pid, started, Math.floor(Date.now() / 1000), randomBytes(4).toString('hex')];
  return PREFIX + words.join('-');
}

/** Whether the run that created a container of this name has ended; false: it is not one of ours. */
export function isLeftByEndedRun(name: string): boolean {
  const [, namespace, pid, started = '', created] =
    /^lifeboat-scratch-(\d+)-(\d+)-(\d+)-(\d+)-[0-9a-f]{8}$/.exec(name) ?? [];
  if (namespace === undefined) return false;
  const isHere = namespace === idOf(namespaceOfProcesses());
  return hasEnded({ pid: Number(pid), started, isHere }, Number(created) * 1000);
}

/** Of `pid:[4026531836]` (pid_namespaces(7)); 0: this system does not say it. */
function idOf(namespace: string): string {
  return /\d+/.exec(namespace)?.[0] ?? '0';
}
