import { type SpawnOptions, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface ExecuteOptions extends Pick<SpawnOptions, 'cwd' | 'uid' | 'gid' | 'signal' | 'killSignal'> {
  /** The whole environment; default: this process's. */
  env?: NodeJS.ProcessEnv;
  /** Written to its standard input. */
  input?: string;
}

/** Runs a command to its end. Resolves with its standard output; a failure's error holds the standard error. */
export async function execute(command: string, args: string[], options: ExecuteOptions = {}): Promise<string> {
  const { input = '', ...spawnOptions } = options;
  const child = spawn(command, args, { ...spawnOptions, stdio: 'pipe' });
  const closed = new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(String(signal ?? code)));
  });
  child.stdin.on('error', () => {}); // A command that does not read its input closes it: EPIPE.
  child.stdin.end(input);
  const [stdout, stderr, end] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  if (end !== '0') throw new Error(`${command} ${args.join(' ')} ended with ${end}: ${stderr || stdout}`);
  return stdout;
}
