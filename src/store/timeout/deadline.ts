import { StoreError } from '../store.ts';
import { Waiting } from './waiting.ts';

/** Bytes a second on average. A server that sends less is not waited for, however regularly it drips. */
const SLOWEST = 16 * 1024;
/** A listing has so many times as long as one answer: a large set takes many requests. */
const LISTING = 12;
/** Timers of JavaScript overflow after that, and then fire at once. */
const LONGEST = 2 ** 31 - 1;

/** Waits for one store. A store that was waited for too long is late for good: what follows fails at once. */
export class Deadline {
  readonly #url: string;
  readonly #timeout: number;
  readonly #stop: AbortController;
  #error: StoreError | null = null;

  /** `timeout`: milliseconds without an answer. `stop` ends what is under way in a store that is late. */
  constructor(url: string, timeout: number, stop: AbortController) {
    this.#url = url;
    this.#timeout = timeout;
    this.#stop = stop;
  }

  /** One answer, and `bytes` at the slowest rate that is accepted. */
  async answer<T>(what: string, request: () => Promise<T>, bytes = 0): Promise<T> {
    return await this.#within(this.#timeout + timeFor(bytes), what, request);
  }

  /** An answer that takes a walk through folders. */
  async walk<T>(what: string, request: () => Promise<T>): Promise<T> {
    return await this.#within(LISTING * this.#timeout, what, request);
  }

  /** The entries of a listing. Time that the reader takes between them does not count, here and in {@link bytes}. */
  entries<T>(what: string, source: AsyncIterable<T>): AsyncGenerator<T> {
    return this.#each(what, source, {
      budget: LISTING * this.#timeout,
      longest: Number.POSITIVE_INFINITY,
      earns: () => 0,
    });
  }

  /** A stream, which must go on within the timeout and bring {@link SLOWEST} on average. */
  bytes(what: string, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const earns = (chunk: Uint8Array) => timeFor(chunk.length);
    return this.#each(what, source, { budget: this.#timeout, longest: this.#timeout, earns });
  }

  /**
   * Each item may be waited for until the budget is used up, to which every item adds what it earns. Not a generator: for a
   * listing of 50,000 objects its promises alone take tens of megabytes.
   */
  #each<T>(what: string, source: AsyncIterable<T>, { budget, longest, earns }: Patience<T>): AsyncGenerator<T> {
    const iterator = source[Symbol.asyncIterator]();
    const waiting = new Waiting((allowed) => this.#timedOut(allowed, what));
    const request = () => iterator.next();
    let left = budget;
    const next = async (): Promise<IteratorResult<T>> => {
      try {
        if (this.#error !== null) throw this.#error;
        const began = performance.now();
        const result = await waiting.for(Math.max(1, Math.min(left, longest)), request);
        if (result.done) waiting.stop();
        else left += earns(result.value) - (performance.now() - began);
        return result;
      } catch (error) {
        await end(); // Unlike a generator it is not ended by what it throws.
        throw error;
      }
    };
    const end = async (): Promise<IteratorResult<T>> => {
      waiting.stop();
      iterator.return?.().catch(() => {}); // Not awaited: of a late store it would wait for what never comes.
      return { done: true, value: undefined };
    };
    const each = { next, return: end, throw: end, [Symbol.asyncIterator]: () => each } as unknown as AsyncGenerator<T>;
    return each;
  }

  async #within<T>(milliseconds: number, what: string, request: () => Promise<T>): Promise<T> {
    if (this.#error !== null) throw this.#error;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#timedOut(milliseconds, what)), Math.min(milliseconds, LONGEST));
    });
    try {
      return await Promise.race([request(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #timedOut(waited: number, what: string): StoreError {
    const step = 'Check the store and the network, or raise store-timeout.';
    const late =
      waited < this.#timeout
        ? `${this.#url} sends less than ${SLOWEST / 1024} KiB/s (${what}). ${step}`
        : `${this.#url} did not answer for ${Math.round(waited / 1000)} s (${what}). ${step}`;
    this.#error ??= new StoreError('late', late);
    this.#stop.abort(this.#error);
    return this.#error;
  }
}

interface Patience<T> {
  /** Milliseconds in all. */
  budget: number;
  /** Milliseconds for one item. */
  longest: number;
  /** What an item adds to the budget. */
  earns(item: T): number;
}

function timeFor(bytes: number): number {
  return (bytes / SLOWEST) * 1000;
}
