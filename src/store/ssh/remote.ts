import { posix } from 'node:path';
import { requireKey } from '../file-like/keys.ts';
import type { StoreContext } from '../store.ts';
import { connectSession, placeOf } from './connect.ts';
import { isFile, isNotFound, sftpError } from './errors.ts';
import type { SshLocation } from './location.ts';
import type { SshOptions } from './options.ts';
import { Session } from './session.ts';
import type { SshSettings } from './settings.ts';

/** A folder on a server. The connection is made when it is first needed, and again when it was lost. */
export class Remote {
  readonly url: string;
  /** For messages: user, server, port. */
  readonly place: string;
  readonly root: string;
  readonly context: StoreContext;
  readonly options: SshOptions;
  readonly #location: SshLocation;
  readonly #settings: SshSettings;
  #session: Promise<Session> | null = null;

  constructor(location: SshLocation, settings: SshSettings, context: StoreContext, options: SshOptions) {
    this.url = location.url;
    this.place = placeOf(location);
    this.root = location.path;
    this.context = context;
    this.options = options;
    this.#location = location;
    this.#settings = settings;
  }

  /** Where an object lies on the server. */
  path(key: string): string {
    requireKey(key, 'an ssh');
    return posix.join(this.root, key);
  }

  /** Where the keys that begin with a folder's prefix lie; that may be the root. */
  folder(prefix: string): string {
    return prefix === '' ? this.root : this.path(prefix.slice(0, -1));
  }

  /** Does something there; a failure becomes a StoreError that names `path`. */
  async at<T>(path: string, act: (session: Session) => Promise<T>, signal = this.context.signal): Promise<T> {
    try {
      return await act(await this.#connected(signal));
    } catch (error) {
      throw sftpError(error, this.place, path);
    }
  }

  /** The size and time of what is at `path`; null when nothing is. */
  async statOrNull(path: string): Promise<Awaited<ReturnType<Session['stat']>> | null> {
    return await this.at(path, async (session) => {
      try {
        return await session.stat(path, this.context.signal);
      } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
      }
    });
  }

  async freeSpace(): Promise<number | null> {
    return await this.at(this.root, (session) => session.freeSpace(this.root, this.context.signal));
  }

  /** Makes the folder and those above it that are missing. */
  async makeFolder(folder: string): Promise<void> {
    const found = await this.statOrNull(folder);
    if (found?.isDirectory()) return;
    if (found !== null) throw isFile(folder, this.place);
    const above = posix.dirname(folder);
    if (above !== folder) await this.makeFolder(above);
    const make = this.at(folder, (session) => session.makeFolder(folder, this.context.signal));
    await make.catch(async (error: unknown) => {
      // Another upload's, or one that a link leads to.
      if (!(await this.statOrNull(folder))?.isDirectory()) throw error;
    });
  }

  /** Removes the folder and those above it, below the root, as long as they are empty. */
  async removeEmptyFolders(folder: string, signal: AbortSignal): Promise<void> {
    for (let empty = folder; empty.startsWith(`${this.root}/`); empty = posix.dirname(empty)) {
      try {
        await this.at(empty, (session) => session.removeFolder(empty, signal), signal);
      } catch {
        return; // Not empty, or not ours to remove: an empty folder does no harm.
      }
    }
  }

  /** Removes a file; it is not an error when it does not exist. */
  async removeFile(path: string, signal: AbortSignal): Promise<void> {
    await this.at(
      path,
      (session) =>
        session.unlink(path, signal).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        }),
      signal,
    );
  }

  /** For what must work after cancellation too: then it may take a few seconds. */
  cleanUpSignal(): AbortSignal {
    return AbortSignal.timeout(this.options.cleanUpTimeout);
  }

  close(): void {
    this.#session?.then((session) => session.disconnect()).catch(() => {});
    this.#session = null;
  }

  async #connected(signal: AbortSignal): Promise<Session> {
    const open = await this.#session?.catch(() => null);
    if (open && !open.isLost) return open;
    const { place, options } = this;
    const opening = connectSession(this.#location, this.#settings, options, signal).then(
      (channel) => new Session(channel, place, options.answerTimeout),
    );
    this.#session = opening;
    return await opening;
  }
}
