import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { LifeboatError } from '../../errors.ts';
import { formatBytes } from '../../units.ts';
import { type Isolation, withSudo } from './isolation/isolation.ts';
import { plainEnvironment } from './isolation/limits.ts';

/** Milliseconds; longer where it takes long to add up. */
const INTERVAL = 1_000;
/** At most this part of the time is spent on it. */
const SHARE = 0.05;
const GIB = 1024 ** 3;

export interface SizeWatch {
  /** Why the server was ended; null: it was not. */
  problem(): LifeboatError | null;
  stop(): void;
}

/** How many bytes a database may fill whose dump has so many: indexes, and what a restore writes on the way. */
export function sizeLimitOf(plainSize: number): number {
  return 10 * plainSize + 4 * GIB;
}

/** Calls `end` once the folder holds more than `limit`, or its disk has almost no room left for anything else. */
export function watchSize(folder: string, isolation: Isolation, limit: number, end: () => void): SizeWatch {
  const command = withSudo(isolation.sudo, ['du', '-skx', folder], plainEnvironment());
  const used = async () => {
    const { stdout } = await promisify(execFile)(command.command, command.args, { env: command.env }).catch(asPrinted);
    return Number.parseInt(stdout, 10) * 1024;
  };
  return watchUsage({ used, free: () => freeBelow(folder), place: JSON.stringify(folder), limit }, end);
}

interface Watched {
  used(): Promise<number>;
  /** Empty when there is enough; else how much is left. */
  free(): Promise<string>;
  place: string;
  limit: number;
}

export function watchUsage({ used, free, place, limit }: Watched, end: () => void): SizeWatch {
  let problem: LifeboatError | null = null;
  const stopped = new AbortController();
  const look = async () => {
    const [size, scarce] = await Promise.all([used(), free()]);
    if (stopped.signal.aborted) return;
    if (size > limit) problem = tooLarge(place, size, limit);
    else if (scarce !== '') problem = diskFull(place, size, scarce);
    if (problem !== null) end();
  };
  const run = async () => {
    while (!stopped.signal.aborted && problem === null) {
      const started = performance.now();
      await look();
      await sleep(Math.max(INTERVAL, (performance.now() - started) / SHARE), undefined, { signal: stopped.signal });
    }
  };
  run().catch(() => {}); // It was stopped.
  return { problem: () => problem, stop: () => stopped.abort() };
}

/** A file that goes meanwhile makes du fail, and what it has added up is printed still. */
function asPrinted(error: unknown): { stdout: string } {
  return { stdout: (error as { stdout?: string }).stdout ?? '' };
}

/** Of a twentieth of the disk, or of 1 GiB where that is less, the runner itself lives. */
export async function freeBelow(folder: string): Promise<string> {
  const { bavail, blocks, bsize } = await statfs(folder);
  const free = bavail * bsize;
  return free < Math.min(GIB, (blocks * bsize) / 20) ? formatBytes(free) : '';
}

function tooLarge(place: string, size: number, limit: number): LifeboatError {
  return new LifeboatError(
    `The restore was stopped: the throwaway server has filled ${formatBytes(size)} of ${place}, and the limit is ${formatBytes(limit)} (ten times the dump, and 4 GiB). Code in the dump may have written it. If the database needs it, restore into a server of your own with scratch-url.`,
  );
}

function diskFull(place: string, size: number, free: string): LifeboatError {
  return new LifeboatError(
    `The restore was stopped: only ${free} are free on the disk of ${place}, of which the throwaway server has filled ${formatBytes(size)}. Name a larger disk in scratch-dir.`,
  );
}
