import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { HANG_LIMIT } from '../hang-limit.ts';

/** Processes as /proc shows them (Linux). Those that may not be read, or are gone, are as if they were not there. */

/** The ids of all processes. */
export function allProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** The ids of the processes that `pid` has begun, and of those which these began. */
export function childrenOf(pid: number): number[] {
  const parents = new Map(allProcesses().map((process) => [process, parentOf(process)]));
  const below = (parent: number): number[] =>
    [...parents].filter(([, its]) => its === parent).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

/** The command line, its arguments parted by spaces; empty when the process is gone. */
export function commandLine(pid: number): string {
  return readProc(pid, 'cmdline').replaceAll('\0', ' ').trim();
}

/** Changes when the kernel gives the same id to another process: the time of its start. */
export function startTime(pid: number): string {
  return statFields(pid)[19] ?? '';
}

/** Whether the process is there and not a zombie. */
export function isAlive(pid: number): boolean {
  const state = statFields(pid)[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** The greatest resident memory that the process has had until now, in bytes; 0 when it is gone. */
export function peakMemory(pid: number): number {
  return Number(/VmHWM:\s*(\d+) kB/.exec(readProc(pid, 'status'))?.[1] ?? 0) * 1024;
}

/** Whether `NAME=value` was in the environment that the process was started with. */
export function hasEnvironment(pid: number, assignment: string): boolean {
  return readProc(pid, 'environ').split('\0').includes(assignment);
}

/** The folder the process works in; empty when that cannot be seen. */
export function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** Resolves with those of the processes that are still alive: none, unless `timeout` milliseconds were not enough. */
export async function waitUntilGone(pids: number[], timeout = HANG_LIMIT): Promise<number[]> {
  const end = Date.now() + timeout;
  let left = pids.filter(isAlive);
  while (left.length > 0 && Date.now() < end) {
    await sleep(20);
    left = left.filter(isAlive);
  }
  return left;
}

/** Sends a signal; a process that is gone is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function parentOf(pid: number): number {
  return Number(statFields(pid)[1] ?? 0);
}

/** The fields of /proc/PID/stat from `state` on: the second, the name, may itself hold spaces and parentheses. */
function statFields(pid: number): string[] {
  const stat = readProc(pid, 'stat');
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
