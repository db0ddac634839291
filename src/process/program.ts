import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { LifeboatError, messageOf } from '../errors.ts';
import type { Track } from '../leftovers.ts';
import { endGroup, identifyProcess, KILL_AFTER, readLines } from './child.ts';

/** What a program leaves running may hold its output open: so long we read on, in milliseconds. */
const READ_ON = 1_000;

export interface ProgramContext {
  /** The whole environment. */
  env: Record<string, string>;
  signal: AbortSignal;
  track: Track;
  /** Each line that it writes, on standard output and standard error. */
  onLine(line: string): void;
}

/**
 * Runs a program of the user's, which has nothing to read. Resolves once it has exited with 0; what it has started may go
 * on. Throws a LifeboatError that tells how it ended, and goes on after the program's name. An abort ends it, and what it
 * has started.
 */
export async function runProgram(
  [command = '', ...args]: string[],
  { env, signal, track, onLine }: ProgramContext,
): Promise<void> {
  signal.throwIfAborted();
  // In a group of its own, so that what it starts can be ended with it.
  const child = spawn(command, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const forget =
    child.pid === undefined ? () => {} : track({ kind: 'process', ...identifyProcess(child.pid), group: true });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  for (const output of [child.stdout, child.stderr]) readLines(output, onLine);
  let killTimer: NodeJS.Timeout | undefined;
  const kill = () => {
    endGroup(child.pid, 'SIGTERM');
    killTimer = setTimeout(() => endGroup(child.pid, 'SIGKILL'), KILL_AFTER);
  };
  signal.addEventListener('abort', kill, { once: true });
  try {
    await waitForExit(child);
    await Promise.race([closed, sleep(READ_ON, undefined, { ref: false })]);
  } finally {
    signal.removeEventListener('abort', kill);
    clearTimeout(killTimer);
    if (signal.aborted) endGroup(child.pid, 'SIGKILL');
    for (const output of [child.stdout, child.stderr]) output.destroy();
    forget();
  }
}

function waitForExit(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(new LifeboatError(`could not be started: ${messageOf(error)}`, { cause: error }));
    });
    child.once('exit', (code, signal) => {
      if (code === 0) return resolve();
      reject(new LifeboatError(signal === null ? `exited with code ${code}` : `was ended by ${signal}`));
    });
  });
}
