import { readFileSync, rmSync } from 'node:fs';
import { hideSecrets, oneLine } from '../report/escape.ts';
import type { Log } from '../report/log.ts';
import type { Reporter } from '../report/reporter.ts';

/** Clears the line on which progress stands. */
const CLEAR = '\r\x1b[K';

/** How long a bar is that tells how far long work has come. Characters. */
const BAR = 20;

/** A person at a terminal, or what a script reads of us. */
export class Terminal implements Reporter {
  readonly log: Log;
  readonly #json: boolean;
  readonly #secrets: string[] = [];
  readonly #debug: boolean;
  /** Progress stands on the last line, and will be written over. */
  #status = false;
  #restoredUrl: string | null = null;

  constructor({ json, debug }: { json: boolean; debug: boolean }) {
    this.#json = json;
    this.#debug = debug;
    const say = (text: string) => this.#say(json ? process.stderr : process.stdout, text);
    this.log = {
      info: say,
      notice: (line) => say(`Note: ${line}`),
      warning: (line) => this.#say(process.stderr, `Warning: ${line}`),
      debug: (line) => {
        if (this.#debug) this.#say(process.stderr, line);
      },
      group: (title, work) => {
        say(title);
        return work();
      },
      ...(process.stderr.isTTY ? { status: (line, share) => this.#showStatus(line, share) } : {}),
    };
  }

  mask(secret: string): void {
    this.#secrets.push(secret);
  }

  output(name: string, value: string | number): void {
    if (name === 'restored-url') this.#restoredUrl = String(value);
  }

  error(title: string, message: string): void {
    this.#say(process.stderr, `${title}: ${message}`);
  }

  warning(title: string, message: string): void {
    this.#say(process.stderr, `${title}: ${message}`);
  }

  async summary(): Promise<void> {}

  report(file: string): void {
    if (this.#json) process.stdout.write(readFileSync(file));
    rmSync(file, { force: true });
  }

  /** What is left to be said when all is over. */
  finish(): void {
    this.#clear();
    if (this.#restoredUrl === null) return;
    // It holds the password, and is what was asked for.
    (this.#json ? process.stderr : process.stdout).write(`Restored: ${this.#restoredUrl}\n`);
    process.stderr.write(`Remove it when you are done: ${dropCommand(this.#restoredUrl)}\n`);
  }

  #say(stream: NodeJS.WriteStream, text: string): void {
    this.#clear();
    const hidden = hideSecrets(text, this.#secrets);
    stream.write(`${hidden.split(/\r?\n/).map(oneLine).join('\n')}\n`);
  }

  /** One line that is written over. */
  #showStatus(line: string, share: number | null): void {
    this.#clear();
    const status = `${share === null ? '' : `${progressBar(share)}  `}${oneLine(line)}`;
    process.stderr.write(status.slice(0, (process.stderr.columns || 80) - 1));
    this.#status = true;
  }

  #clear(): void {
    if (this.#status) process.stderr.write(CLEAR);
    this.#status = false;
  }
}

/** `[########............]  42 %`. */
function progressBar(share: number): string {
  const full = Math.round(share * BAR);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}] ${Math.round(share * 100)
    .toString()
    .padStart(3)} %`;
}

/** Without the password, which dropdb asks for. */
function dropCommand(url: string): string {
  const { hostname, port, username, pathname, searchParams } = new URL(url);
  const host = searchParams.get('host') ?? hostname.replace(/^\[|\]$/g, '');
  const word = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const [user, name] = [decodeURIComponent(username), decodeURIComponent(pathname.slice(1))];
  const flags = [`--host=${host}`, `--port=${port || '5432'}`, `--username=${user}`].map(word);
  return `dropdb --force ${flags.join(' ')} ${word(name)}`;
}
