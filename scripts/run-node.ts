import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** The repository's own folder: every script runs there, wherever it was started. */
export const REPOSITORY = join(import.meta.dirname, '..');

/**
 * Runs a script by the Node that runs this one, in the repository, its output shown. Rejects when it fails.
 * `npx` and the links in node_modules/.bin would take whichever Node comes first on PATH.
 */
export function runNode(args: string[], env: Record<string, string> = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: REPOSITORY,
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${args.join(' ')} ended with ${signal ?? code}`));
    });
  });
}
