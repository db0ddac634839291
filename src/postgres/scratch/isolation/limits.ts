import { totalmem } from 'node:os';
import { tasksOf } from '../server-user.ts';
import { commandSucceeds } from './command-succeeds.ts';

/** Programs that bound what they run; none where they are not installed (Alpine). */
export interface Limits {
  prefix: string[];
  setpriv: boolean;
}

/** More than a restore with every parallel worker has. */
const PROCESSES = 512;
const GIB = 1024 ** 3;

/**
 * Bounds for each process of the server: three quarters of the memory, and no core files. The kernel counts processes by
 * user, so the bound is above what that user runs now (getrlimit(2)).
 */
export async function findLimits(uid: number): Promise<Limits> {
  const [prlimit, setpriv] = await Promise.all([
    commandSucceeds({ command: 'prlimit', args: ['--version'], env: plainEnvironment() }),
    commandSucceeds({ command: 'setpriv', args: ['--no-new-privs', 'true'], env: plainEnvironment() }),
  ]);
  if (!prlimit) return { prefix: [], setpriv };
  const bounds = [`--as=${memoryBound()}`, '--core=0', `--nproc=${(await tasksOf(uid)) + PROCESSES}`];
  return { prefix: ['prlimit', ...bounds, '--'], setpriv };
}

export function memoryBound(): number {
  return Math.max(2 * GIB, Math.floor((totalmem() * 3) / 4));
}

export function plainEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? '', LC_ALL: 'C' };
}
