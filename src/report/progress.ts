import { formatBytes, formatDuration } from '../units.ts';
import type { Log } from './log.ts';

/** Milliseconds between two lines about long work, and between two of which each takes the place of the one before. */
const INTERVAL = 5_000;
const INTERVAL_ON_A_TERMINAL = 500;

/** The estimate is the tables' size on disk; their text can be longer, so the share stops short of the whole. */
const MOST = 0.99;

/** Bytes so far. */
export interface Reading {
  plain: number;
  /** null: nothing is stored. */
  stored: number | null;
  more: string;
}

/** What a run is about, as far as it is known. */
export interface About {
  set: string | null;
  database: string | null;
  /** Its id. */
  backup: string | null;
}

/** Times the stages of a command, and says every few seconds how far long work has come. */
export class Progress {
  readonly stages: { name: string; milliseconds: number }[] = [];
  readonly #log: Log;
  readonly #start = performance.now();
  /** What is under way, for the message of a failure. */
  current = 'start';
  /** For the notifiers at the end, however early that comes. */
  about: About = { set: null, database: null, backup: null };

  constructor(log: Log) {
    this.#log = log;
  }

  async stage<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.current = name;
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.stages.push({ name, milliseconds: performance.now() - start });
    }
  }

  /** Milliseconds since the command began. */
  elapsed(): number {
    return performance.now() - this.#start;
  }

  /** Reports while `work` runs. `read` gives the bytes so far; `estimate` is in bytes, 0 when unknown. */
  async watch<T>(what: string, estimate: number, read: () => Reading, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const { status } = this.#log;
    let last = { at: start, plain: 0 };
    const timer = setInterval(
      () => {
        const now = { at: performance.now(), ...read() };
        const rate = ((now.plain - last.plain) / (now.at - last.at)) * 1000;
        last = now;
        const share = estimate > 0 ? Math.min(MOST, now.plain / estimate) : null;
        if (status) status(`${what}: ${progressLine(now, null, rate, now.at - start)}`, share);
        else this.#log.info(`${what}: ${progressLine(now, share, rate, now.at - start)}`);
      },
      status ? INTERVAL_ON_A_TERMINAL : INTERVAL,
    );
    try {
      return await work();
    } finally {
      clearInterval(timer);
    }
  }
}

function progressLine(now: Reading, done: number | null, rate: number, elapsed: number): string {
  const share = done === null ? '' : `, ${Math.round(done * 100)} % of the estimate`;
  const more = now.more === '' ? '' : `, ${now.more}`;
  const stored = now.stored === null ? '' : `${formatBytes(now.stored)} stored, `;
  return `${formatBytes(now.plain)} read${share}, ${formatBytes(rate)}/s, ${stored}${formatDuration(elapsed)}${more}`;
}
