import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { HANG_LIMIT } from '../hang-limit.ts';
import { isAlive, signal, waitUntilGone } from './processes.ts';
import { serverEnvironment } from './run.ts';

/** A server process that outlives the test that started it, and ends with the run. */
export interface Daemon {
  pid: number;
  logFile: string;
}

export interface DaemonOptions {
  cwd: string;
  logFile: string;
  uid?: number;
  gid?: number;
  env?: Record<string, string>;
}

/** Starts a server that stays in the foreground; its output goes to the log. */
export async function startDaemon(command: string, args: string[], options: DaemonOptions): Promise<Daemon> {
  const { logFile, env, ...rest } = options;
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, {
    ...rest,
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...serverEnvironment(), ...env },
  });
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid as number));
  });
  child.unref();
  return { pid, logFile };
}

/** Ends a daemon; resolves when it is gone. */
export async function stopDaemon({ pid }: Daemon, name: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  signal(pid, name);
  const left = await waitUntilGone([pid], 60_000);
  for (const pid of left) signal(pid, 'SIGKILL');
}

/** Waits until the daemon answers. Throws with the end of its log when it died, or is not ready in time. */
export async function waitUntilReady(daemon: Daemon, isReady: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + HANG_LIMIT;
  while (!(await isReady())) {
    if (!isAlive(daemon.pid)) throw new Error(`ended at once:\n${endOf(daemon.logFile)}`);
    if (Date.now() > end) throw new Error(`not ready after ${HANG_LIMIT} ms:\n${endOf(daemon.logFile)}`);
    await sleep(50);
  }
}

/** Whether anything answers by HTTP there, whatever it says. */
export async function answersHttp(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url);
    await answer.body?.cancel();
    return true;
  } catch {
    return false;
  }
}

function endOf(logFile: string): string {
  return existsSync(logFile) ? readFileSync(logFile, 'utf8').slice(-3000) : '(no log)';
}
