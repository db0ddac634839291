/** Timers of JavaScript overflow after that, and then fire at once. */
const LONGEST = 2 ** 31 - 1;
/** A timer that is due this much too late is left as it is. Milliseconds. */
const TOLERANCE = 50;

/**
 * Waits for one thing after the other, each with a limit, by one timer: a listing has so many entries that a timer for
 * each takes tens of megabytes.
 */
export class Waiting {
  readonly #late: (allowed: number) => Error;
  #end = 0;
  #allowed = 0;
  #fail: ((error: Error) => void) | null = null;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;

  /** `late` makes the error of what was waited for longer than allowed (milliseconds). */
  constructor(late: (allowed: number) => Error) {
    this.#late = late;
  }

  for<T>(allowed: number, request: () => Promise<T>): Promise<T> {
    this.#allowed = allowed;
    this.#end = performance.now() + allowed;
    if (this.#end < this.#due - TOLERANCE) this.#arm();
    return new Promise<T>((resolve, reject) => {
      this.#fail = reject;
      request().then(
        (value) => {
          this.#fail = null;
          resolve(value);
        },
        (error: unknown) => {
          this.#fail = null;
          reject(error);
        },
      );
    });
  }

  /** Nothing is waited for any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#due = this.#end;
    this.#timer = setTimeout(() => this.#check(), Math.min(this.#end - performance.now(), LONGEST));
  }

  #check(): void {
    this.#due = Number.POSITIVE_INFINITY;
    if (this.#fail === null) return; // The next wait sets the timer.
    if (performance.now() < this.#end) this.#arm();
    else this.#fail(this.#late(this.#allowed));
  }
}
