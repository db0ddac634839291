import type { FileEntryWithStats, SFTPWrapper, Stats } from 'ssh2';
import { StoreError } from '../store.ts';
import type { Channel } from './connect.ts';
import { BLOCK } from './options.ts';

type Done<T> = (error: Error | null | undefined, value?: T) => void;

/** As ssh2's README has it, and its types do not. */
type ReadFolder = (handle: Buffer, options: { full: true }, done: Done<FileEntryWithStats[]>) => void;

/** Requests of SFTP as promises. Each is rejected when it is cancelled, not answered in time, or the connection is lost. */
export class Session {
  readonly #channel: Channel;
  readonly #place: string;
  readonly #answerTimeout: number;

  constructor(channel: Channel, place: string, answerTimeout: number) {
    this.#channel = channel;
    this.#place = place;
    this.#answerTimeout = answerTimeout;
  }

  get isLost(): boolean {
    return this.#channel.lost.aborted;
  }

  stat(path: string, signal: AbortSignal): Promise<Stats> {
    return this.#request(signal, (sftp, done: Done<Stats>) => sftp.stat(path, done));
  }

  /** `r`: must be there; `w`: made for its owner alone, or emptied. */
  open(path: string, flags: 'r' | 'w', signal: AbortSignal): Promise<Buffer> {
    return this.#request(signal, (sftp, done: Done<Buffer>) => sftp.open(path, flags, { mode: 0o600 }, done));
  }

  closeFile(handle: Buffer, signal: AbortSignal): Promise<void> {
    return this.#request(signal, (sftp, done: Done<void>) => sftp.close(handle, done));
  }

  /** The bytes have been copied when this returns; at most {@link BLOCK} of them. */
  write(handle: Buffer, bytes: Uint8Array, position: number, signal: AbortSignal): Promise<void> {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#request(signal, (sftp, done: Done<void>) =>
      sftp.write(handle, buffer, 0, buffer.length, position, done),
    );
  }

  /** At most {@link BLOCK} bytes; fewer only at the end of the file. */
  async read(handle: Buffer, start: number, end: number, signal: AbortSignal): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(Math.min(end - start, BLOCK));
    let filled = 0;
    while (filled < buffer.length) {
      const count = await this.#request(signal, (sftp, done: Done<number>) =>
        sftp.read(handle, buffer, filled, buffer.length - filled, start + filled, done),
      ).catch(atTheEnd(0));
      if (count === 0) break;
      filled += count;
    }
    return buffer.subarray(0, filled);
  }

  /** Makes a file outlast a power cut, where the server can. */
  async sync(handle: Buffer, signal: AbortSignal): Promise<void> {
    await this.#extension(signal, (sftp, done: Done<void>) => sftp.ext_openssh_fsync(handle, done));
  }

  /** Bytes that this user may still write; null when the server does not tell. */
  async freeSpace(path: string, signal: AbortSignal): Promise<number | null> {
    const found = await this.#extension(signal, (sftp, done: Done<{ f_bavail: number; f_frsize: number }>) =>
      sftp.ext_openssh_statvfs(path, done as never),
    );
    return found && found.f_bavail * found.f_frsize;
  }

  /** Never over a file that is there: servers refuse that (OpenSSH's sftp-server makes a link, and removes the old name). */
  rename(from: string, to: string, signal: AbortSignal): Promise<void> {
    return this.#request(signal, (sftp, done: Done<void>) => sftp.rename(from, to, done));
  }

  unlink(path: string, signal: AbortSignal): Promise<void> {
    return this.#request(signal, (sftp, done: Done<void>) => sftp.unlink(path, done));
  }

  makeFolder(path: string, signal: AbortSignal): Promise<void> {
    return this.#request(signal, (sftp, done: Done<void>) => sftp.mkdir(path, { mode: 0o700 }, done));
  }

  removeFolder(path: string, signal: AbortSignal): Promise<void> {
    return this.#request(signal, (sftp, done: Done<void>) => sftp.rmdir(path, done));
  }

  /** What lies in a folder, as it comes: the server answers in pages. */
  async *entries(path: string, signal: AbortSignal): AsyncGenerator<FileEntryWithStats> {
    const handle = await this.#request(signal, (sftp, done: Done<Buffer>) => sftp.opendir(path, done));
    try {
      for (;;) {
        const page = await this.#request(signal, (sftp, done: Done<FileEntryWithStats[]>) =>
          // `full`: with "." and "..", for a page of nothing else would be taken for the end.
          (sftp.readdir as unknown as ReadFolder).call(sftp, handle, { full: true }, done),
        ).catch(atTheEnd([]));
        if (page.length === 0) return;
        yield* page;
      }
    } finally {
      this.closeFile(handle, signal).catch(() => {}); // It goes with the connection, at the latest.
    }
  }

  /** Standard output of a command; null when the server does not run it, or not within `timeout`. */
  execute(command: string, timeout: number, signal: AbortSignal): Promise<string | null> {
    const begin = (_: SFTPWrapper, done: Done<string | null>) => {
      const late = setTimeout(() => done(null, null), timeout).unref();
      const end = (output: string | null) => {
        clearTimeout(late);
        done(null, output);
      };
      this.#channel.client.exec(command, (error, stream) => {
        if (error) return end(null);
        let output = '';
        stream.end(); // A command that the server forces upon this key may wait for input.
        stream.on('data', (chunk: Buffer) => {
          output = (output + chunk.toString('utf8')).slice(-4096);
        });
        stream.stderr.resume();
        stream.on('close', (code?: number) => end(code === 0 ? output : null));
      });
    };
    return this.#request(signal, begin, 2 * timeout);
  }

  /** Ends the connection in order; what is under way is lost. */
  disconnect(): void {
    this.#channel.client.end();
  }

  /** What not every server knows: null from one that does not. */
  async #extension<T>(signal: AbortSignal, begin: (sftp: SFTPWrapper, done: Done<T>) => void): Promise<T | null> {
    try {
      return await this.#request(signal, begin);
    } catch (error) {
      if (error instanceof Error && /does not support|unsupported/i.test(error.message)) return null;
      throw error;
    }
  }

  #request<T>(
    signal: AbortSignal,
    begin: (sftp: SFTPWrapper, done: Done<T>) => void,
    timeout = this.#answerTimeout,
  ): Promise<T> {
    const { client, sftp, lost } = this.#channel;
    if (lost.aborted) return Promise.reject(lost.reason);
    if (signal.aborted) return Promise.reject(this.#cancelled());
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', cancel);
        lost.removeEventListener('abort', lose);
      };
      const end = (error: unknown) => {
        settle();
        reject(error);
      };
      const cancel = () => end(this.#cancelled());
      const lose = () => end(lost.reason);
      const timer = setTimeout(() => {
        client.emit('error', new Error(`no answer for ${timeout / 1000} s`));
      }, timeout);
      signal.addEventListener('abort', cancel);
      lost.addEventListener('abort', lose);
      try {
        begin(sftp, (error, value) => {
          if (error) return end(error);
          settle();
          resolve(value as T);
        });
      } catch (error) {
        end(error);
      }
    });
  }

  #cancelled(): StoreError {
    return new StoreError('failed', `Speaking to ${this.#place} was cancelled.`);
  }
}

const END_OF_FILE = 1;

function atTheEnd<T>(value: T): (error: unknown) => T {
  return (error) => {
    if ((error as { code?: unknown }).code === END_OF_FILE) return value;
    throw error;
  };
}
