import { spawn } from 'node:child_process';
import type { Wrapped } from './isolation.ts';

/** Milliseconds. */
const TIMEOUT = 10_000;

/** Whether a command exits with 0. One that does not exist or hangs does not. */
export function commandSucceeds({ command, args, env, cwd, user }: Wrapped): Promise<boolean> {
  const signal = AbortSignal.timeout(TIMEOUT);
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...user, cwd, env, stdio: 'ignore', signal, killSignal: 'SIGKILL' });
    child.on('error', () => resolve(false)).on('close', (code) => resolve(code === 0));
  });
}
