import { runTool, startTool, type Tool, ToolError } from '../../process/child.ts';
import { requireKey } from '../file-like/keys.ts';
import { reasonOf } from '../reason.ts';
import { type StoreContext, StoreError, type StoreErrorCode } from '../store.ts';
import type { RcloneLocation } from './location.ts';

/** How long taking something back may take in all: a cancelled job is killed after 10 s. Milliseconds. */
const CLEAN_UP_WITHIN = 4_000;

/**
 * A server that is gone is given up at once: whoever calls decides whether to try again. A configuration that is
 * locked is no reason to wait for a password.
 */
const FLAGS = ['--retries=1', '--low-level-retries=3', '--contimeout=20s', '--timeout=60s', '--ask-password=false'];

/** rclone(1), "Exit code": the directory, the file was not found. */
const NOT_FOUND = [3, 4];

/** Of the runner's, and of no use to rclone, whose own configuration may well be in the environment. */
const NOT_ITS_BUSINESS = /^(INPUT_|LIFEBOAT_|STATE_|ACTIONS_|GITHUB_|PG)/;

/** rclone, and a folder of one of its remotes. */
export class Remote {
  readonly url: string;
  readonly context: StoreContext;
  readonly #root: string;

  constructor({ url, remote, path }: RcloneLocation, context: StoreContext) {
    this.url = url;
    this.context = context;
    this.#root = `${remote}:${path}`;
  }

  /** An object as rclone names it. */
  path(key: string): string {
    requireKey(key, 'an rclone');
    return `${this.folder('')}${key}`;
  }

  /** Where the keys that begin with a folder's prefix lie. */
  folder(prefix: string): string {
    if (prefix !== '') return this.path(prefix.slice(0, -1));
    return /[:/]$/.test(this.#root) ? this.#root : `${this.#root}/`;
  }

  /** Starts rclone with its output as a stream. */
  start(args: string[], signal = this.context.signal): Tool {
    return startTool(this.#command(args), { signal, track: this.context.track });
  }

  /** Runs rclone to its end. Resolves with its output; rejects with a StoreError. */
  async run(args: string[], signal = this.context.signal): Promise<string> {
    if (signal.aborted) throw this.error(args, new Error('the run was cancelled'));
    try {
      return (await runTool(this.#command(args), { signal, track: this.context.track })).toString('utf8');
    } catch (error) {
      throw signal.aborted ? this.error(args, new Error('the run was cancelled')) : this.error(args, error);
    }
  }

  /** The object's size; null when there is none. */
  async sizeOrNull(key: string, signal?: AbortSignal): Promise<number | null> {
    try {
      const { Size, IsDir } = JSON.parse(await this.run(['lsjson', '--stat', '--no-modtime', this.path(key)], signal));
      return IsDir || typeof Size !== 'number' ? null : Size;
    } catch (error) {
      if (error instanceof StoreError && error.code === 'not-found') return null;
      throw error;
    }
  }

  /** Removes an object; it is not an error when it does not exist, though some versions of rclone report one. */
  async remove(key: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.run(['deletefile', this.path(key)], signal);
    } catch (error) {
      if ((await this.sizeOrNull(key, signal)) !== null) throw error;
    }
  }

  /** Removes the folder of a key and those above it, below the root, as long as they are empty. */
  async removeEmptyFolders(key: string, signal?: AbortSignal): Promise<void> {
    for (let end = key.lastIndexOf('/'); end > 0; end = key.lastIndexOf('/', end - 1)) {
      try {
        await this.run(['rmdir', this.path(key.slice(0, end))], signal);
      } catch {
        return; // Not empty, or not there: an empty folder does no harm.
      }
    }
  }

  /** For what must work after cancellation too. */
  cleanUpSignal(): AbortSignal {
    return AbortSignal.timeout(CLEAN_UP_WITHIN);
  }

  /** Makes an error for the user. What rclone says is text from outside. */
  error(args: string[], error: unknown): StoreError {
    if (error instanceof StoreError) return error;
    const cause = { cause: error };
    const { exitCode = null, stderr = '' } = error instanceof ToolError ? error : {};
    if (error instanceof ToolError && error.cause !== undefined) {
      return new StoreError('failed', `${this.url}: ${reasonOf(error)} Install it: https://rclone.org/install/`, cause);
    }
    const code = codeOf(exitCode, stderr);
    const reason = lastLine(stderr) || reasonOf(error);
    const step = STEPS[code] ?? '';
    return new StoreError(code, `${this.url}: rclone ${args[0]} failed: ${reason}.${step}`, cause);
  }

  #command(args: string[]): { name: string; command: string; args: string[]; env: Record<string, string> } {
    const env = Object.entries(process.env).filter(([name]) => !NOT_ITS_BUSINESS.test(name));
    return {
      name: 'rclone',
      command: 'rclone',
      args: [...args, ...FLAGS],
      env: Object.fromEntries(env) as Record<string, string>,
    };
  }
}

const STEPS: Partial<Record<StoreErrorCode, string>> = {
  denied: " Look at the rights of that remote's account, and whether its keys are still good.",
  full: ' Free space there, or use another store.',
  failed: ' Try the same remote by hand: rclone lsd REMOTE:',
};

function codeOf(exitCode: number | null, stderr: string): StoreErrorCode {
  if (NOT_FOUND.includes(exitCode ?? 0)) return 'not-found';
  if (/no space left|quota exceeded|insufficient ?storage|storage ?full|disk full/i.test(stderr)) return 'full';
  if (/permission denied|access ?denied|forbidden|unauthorized|unable to authenticate/i.test(stderr)) return 'denied';
  return 'failed';
}

/** rclone's last word, without the time before it. */
function lastLine(stderr: string): string {
  const line = stderr.split('\n').filter(Boolean).at(-1) ?? '';
  return reasonOf(line.replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /, ''));
}
