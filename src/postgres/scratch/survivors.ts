import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** The variable that is in the environment of everything that a throwaway server starts. */
export const MARK_VARIABLE = 'LIFEBOAT_SCRATCH';
const ROUNDS = 100;

/** By what a process is known that was started by a dump's code. */
export interface Evidence {
  mark: string;
  /** It works somewhere below it. */
  folder: string;
  /** Ids of sessions: each backend leads one (PostgreSQL, InitPostmasterChild), and `sh -c 'program &'` stays in it. */
  sessions: Set<number>;
}

interface Process {
  pid: number;
  parent: number;
  session: number;
  zombie: boolean;
}

/**
 * Kills what the code of a dump has started and left, until nothing of it is found. A program that hides all of this is
 * found only where the server has process ids of its own: the kernel ends those.
 */
export async function endSurvivors(evidence: Evidence): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const found = await findSurvivors(evidence);
    if (found.length === 0) return;
    for (const pid of found) killProcess(pid);
    await sleep(20);
  }
}

/** The sessions that `pid` and all it has started have opened: its own is that of whoever started it, which is us. */
export async function sessionsBelow(pid: number): Promise<Set<number>> {
  const processes = await listProcesses();
  const ours = [pid, process.pid].map((id) => processes.find((one) => one.pid === id)?.session);
  const below = withChildren([pid], processes).filter(({ session }) => !ours.includes(session));
  return new Set(below.map(({ session }) => session));
}

async function findSurvivors(evidence: Evidence): Promise<number[]> {
  const processes = (await listProcesses()).filter(({ pid }) => pid !== process.pid);
  const known = await Promise.all(processes.map((candidate) => isKnown(candidate, evidence)));
  const roots = processes.filter((_, index) => known[index]).map(({ pid }) => pid);
  return withChildren(roots, processes).map(({ pid }) => pid);
}

async function isKnown({ pid, session }: Process, { mark, folder, sessions }: Evidence): Promise<boolean> {
  if (sessions.has(session)) return true;
  const [environment, place] = await Promise.all([
    readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''),
    readlink(`/proc/${pid}/cwd`).catch(() => ''),
  ]);
  return environment.split('\0').includes(`${MARK_VARIABLE}=${mark}`) || place.startsWith(`${folder}/`);
}

function withChildren(roots: number[], processes: Process[]): Process[] {
  const found = new Set(roots);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid);
  }
  return processes.filter(({ pid }) => found.has(pid));
}

async function listProcesses(): Promise<Process[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(readProcess));
  return found.filter((one): one is Process => one !== null && !one.zombie);
}

/** proc(5): state, ppid, pgrp and session are fields 3 to 6 of stat; the name before them may hold anything. */
async function readProcess(pid: number): Promise<Process | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  if (stat === '') return null;
  const [state, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid, parent: Number(parent), session: Number(session), zombie: state === 'Z' };
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile, or is another user's.
  }
}
