import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../errors.ts';
import { runTool, ToolError } from '../../../process/child.ts';
import { requireKey } from '../../file-like/keys.ts';
import { reasonOf } from '../../reason.ts';
import { type StoreContext, StoreError, type StoreErrorCode } from '../../store.ts';
import { placeOf } from '../connect.ts';
import { linesFor } from '../known-hosts.ts';
import type { SshLocation } from '../location.ts';
import type { SshSettings } from '../settings.ts';

/** What stays free on this machine's disk while a file is spooled. Bytes. */
const SPARE = 64 * 1024 * 1024;

/** What rsync takes for patterns. */
const WILDCARDS = /[[\]*?\\]/g;

/** How often another rsync is waited for, and how long each time: milliseconds. */
const ATTEMPTS = 20;
const PAUSE = 250;

/** Seconds. A server that is silent for so long is given up. */
const TIMEOUT = 60;

/** How long taking something back may take in all: a cancelled job is killed after 10 s. Milliseconds. */
const CLEAN_UP_WITHIN = 4_000;

/** Of the user's own configuration nothing is used, nothing is asked, and no server is spoken to that is not known. */
const SSH_OPTIONS = [
  '-F none',
  '-o BatchMode=yes',
  '-o IdentitiesOnly=yes',
  '-o StrictHostKeyChecking=yes',
  '-o GlobalKnownHostsFile=none',
  '-o UpdateHostKeys=no',
  `-o ConnectTimeout=${TIMEOUT}`,
  '-o ServerAliveInterval=15',
  '-o ServerAliveCountMax=4',
];

/** A line of `rsync --list-only`. */
export interface RemoteEntry {
  folder: boolean;
  size: number;
  modified: Date;
  /** Below the folder that was listed. */
  path: string;
}

/** rsync, and a folder of a server. Key and known hosts lie in a private folder that goes with `close()`. */
export class RsyncRemote {
  readonly url: string;
  /** For messages: user, server, port. */
  readonly place: string;
  readonly context: StoreContext;
  readonly #location: SshLocation;
  readonly #settings: SshSettings;
  #folder: Promise<string> | null = null;
  #forget = () => {};
  #last: Promise<unknown> = Promise.resolve();

  constructor(location: SshLocation, settings: SshSettings, context: StoreContext) {
    this.url = location.url;
    this.place = placeOf(location);
    this.context = context;
    this.#location = location;
    this.#settings = settings;
  }

  /** An object as rsync names what it reads: there it takes `*`, `?` and `[` for more than themselves. */
  path(key: string): string {
    requireKey(key, 'an ssh');
    return `${this.folder('')}${key.replace(WILDCARDS, '\\$&')}`;
  }

  /** The folder of the keys that begin with a prefix, which is empty or ends in a slash. */
  folder(prefix: string): string {
    if (prefix !== '') return `${this.path(prefix.slice(0, -1))}/`;
    const { user, host, path } = this.#location;
    return `${user}@${host.includes(':') ? `[${host}]` : host}:${path}/`;
  }

  /** A new folder for a file that is on its way, in the private one. */
  async spool(): Promise<string> {
    const folder = join(await this.#private(), randomBytes(8).toString('hex'));
    await mkdir(folder, { mode: 0o700 });
    return folder;
  }

  /** Throws when this machine's disk has no room for so many bytes more: rsync cannot read a stream. */
  async requireRoom(folder: string, bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize >= bytes + SPARE) return;
    throw new StoreError(
      'full',
      `rsync sends files and no streams, so a volume must lie on this machine's disk while it is sent or read, encrypted: ${JSON.stringify(folder)} has no room for it. Free space there (it is RUNNER_TEMP, or TMPDIR), or let the server offer SFTP.`,
    );
  }

  /** What a folder holds, with all below it or not; null when it does not exist. */
  async list(prefix: string, recursive: boolean, signal = this.context.signal): Promise<RemoteEntry[] | null> {
    const depth = recursive ? '--recursive' : '--dirs';
    try {
      const text = await this.run(['--list-only', '--no-human-readable', depth, this.folder(prefix)], signal);
      return text.split('\n').flatMap(readEntry);
    } catch (error) {
      if (error instanceof StoreError && error.code === 'not-found') return null;
      throw error;
    }
  }

  /** The object's size; null when it does not exist. */
  async sizeOrNull(key: string, signal?: AbortSignal): Promise<number | null> {
    try {
      const text = await this.run(['--list-only', '--no-human-readable', this.path(key)], signal);
      const [entry] = text.split('\n').flatMap(readEntry);
      return entry === undefined || entry.folder ? null : entry.size;
    } catch (error) {
      if (error instanceof StoreError && error.code === 'not-found') return null;
      throw error;
    }
  }

  /**
   * Removes one name from a folder, and nothing else: whatever the filter leaves out, rsync neither sends nor deletes. A
   * folder that is not empty stays, for what is in it is left out too.
   */
  async remove(folder: string, name: string, signal = this.context.signal): Promise<void> {
    const empty = await this.spool();
    const pattern = name.replace(WILDCARDS, '\\$&');
    const filters = [`--include=/${pattern}`, '--exclude=*'];
    try {
      await this.run(['--dirs', '--delete', ...filters, `${empty}/`, this.#written(folder)], signal);
    } catch (error) {
      // Neither the name nor its folder.
      if (!(error instanceof StoreError && error.code === 'not-found')) throw error;
    } finally {
      await rm(empty, { recursive: true, force: true });
    }
  }

  /** A folder as rsync names what it writes into. */
  #written(prefix: string): string {
    return `${this.folder('')}${prefix}`;
  }

  /** Runs rsync to its end, one at a time. Resolves with its output; rejects with a StoreError. */
  run(args: string[], signal = this.context.signal): Promise<string> {
    const result = this.#last.then(() => this.#runWhenFree(args, signal));
    this.#last = result.catch(() => {});
    return result;
  }

  /** rrsync lets in one at a time: one that was killed here may not have ended there yet. */
  async #runWhenFree(args: string[], signal: AbortSignal): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#runOnce(args, signal);
      } catch (error) {
        if (attempt === ATTEMPTS || !/Another instance of rrsync/.test(messageOf(error))) throw error;
        await sleep(PAUSE);
      }
    }
  }

  async #runOnce(args: string[], signal: AbortSignal): Promise<string> {
    const cancelled = () => new StoreError('failed', `Speaking to ${this.place} was cancelled.`);
    if (signal.aborted) throw cancelled();
    const [rsh, { PATH = '/usr/bin:/bin', HOME = '/' }] = [await this.#shell(), process.env];
    const spec = {
      name: 'rsync',
      command: 'rsync',
      args: [`--rsh=${rsh}`, `--timeout=${TIMEOUT}`, '--8-bit-output', ...args],
      // The times of a listing are this machine's.
      env: { PATH, HOME, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
    };
    try {
      return (await runTool(spec, { signal, track: this.context.track })).toString('utf8');
    } catch (error) {
      throw signal.aborted ? cancelled() : this.#explain(error);
    }
  }

  /** For what must work after cancellation too. */
  cleanUpSignal(): AbortSignal {
    return AbortSignal.timeout(CLEAN_UP_WITHIN);
  }

  close(): void {
    void this.#removePrivate(this.#folder);
    this.#folder = null;
  }

  async #removePrivate(made: Promise<string> | null): Promise<void> {
    const folder = await made?.catch(() => null);
    if (!folder) return;
    try {
      await rm(folder, { recursive: true, force: true });
      this.#forget();
    } catch (error) {
      this.context.info(
        `The ssh key is left behind in ${JSON.stringify(folder)}, remove it by hand: ${messageOf(error)}`,
      );
    }
  }

  async #shell(): Promise<string> {
    const folder = await this.#private();
    const files = `-i '${join(folder, 'key')}' -o UserKnownHostsFile='${join(folder, 'known_hosts')}'`;
    return `ssh -p ${this.#location.port} ${files} ${SSH_OPTIONS.join(' ')}`;
  }

  #private(): Promise<string> {
    this.#folder ??= this.#makePrivate();
    return this.#folder;
  }

  async #makePrivate(): Promise<string> {
    const folder = await mkdtemp(join(process.env.RUNNER_TEMP || tmpdir(), 'lifeboat-rsync-'));
    this.#forget = this.context.track({ kind: 'folder', path: folder });
    const { key, knownHosts } = this.#settings;
    const lines = linesFor(knownHosts, this.#location).map(({ line }) => `${line}\n`);
    await writeFile(join(folder, 'key'), key, { mode: 0o600 });
    await writeFile(join(folder, 'known_hosts'), lines.join(''), { mode: 0o600 });
    return folder;
  }

  #explain(error: unknown): StoreError {
    if (!(error instanceof ToolError))
      return new StoreError('failed', `${this.url}: ${reasonOf(error)}.`, { cause: error });
    const { exitCode, stderr } = error;
    const cause = CAUSES.find(({ words }) => words.test(stderr));
    const lines = stderr.split('\n').filter(Boolean);
    const reason = lines.find((line) => cause?.words.test(line)) ?? lines[0] ?? error.message;
    const what = exitCode === null ? 'rsync could not be started' : `rsync ended with ${exitCode}`;
    const [code, step] = cause?.means ?? ['failed', ''];
    return new StoreError(code, `${this.url}: ${what}: ${reasonOf(new Error(reason))}.${step}`, { cause: error });
  }
}

/** Exit codes of rsync and ssh say little (FAILURES T5): the words do. */
const CAUSES: { words: RegExp; means: [StoreErrorCode, string] }[] = [
  {
    words: /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed/,
    means: [
      'denied',
      " Either the server has a new key, or an attacker is in between. Nothing was sent. Ask the server's owner which key is right, and correct ssh-known-hosts.",
    ],
  },
  {
    words: /Permission denied \(/,
    means: ['denied', " Put the key's public half into that user's authorized_keys: ssh-keygen -y -f FILE prints it."],
  },
  {
    words: /Another instance of rrsync/,
    means: [
      'failed',
      ' Another run is at work there. Run again when it has ended, or let the server start rrsync with -no-lock.',
    ],
  },
  { words: /No space left|Disk quota exceeded/, means: ['full', ' Free space there, or use another store.'] },
  // Of what was asked for, and of nothing else: of a folder that goes while it is listed, or a program that is not here, it
  // would make an empty store.
  { words: /(?:link_stat|change_dir|mkdir) .*No such file or directory/, means: ['not-found', ''] },
  { words: /Permission denied/, means: ['denied', ' Give the user that logs in rights to it.'] },
  {
    words: /Connection refused|Could not resolve|timed out|No route/,
    means: ['failed', ' Check name and port in the URL, and whether a firewall lets the runner in.'],
  },
];

/** `-rw-------   1234 2026/11/26 08:00:00 shop/id/manifest.json`. */
function readEntry(line: string): RemoteEntry[] {
  const [, kind, size, date = '', time, path = ''] =
    /^([-dl])\S{9}\s+(\d+) (\d{4}\/\d\d\/\d\d) (\d\d:\d\d:\d\d) (.+)$/.exec(line) ?? [];
  if (kind !== '-' && kind !== 'd') return [];
  return [
    { folder: kind === 'd', size: Number(size), modified: new Date(`${date.replaceAll('/', '-')}T${time}Z`), path },
  ];
}
