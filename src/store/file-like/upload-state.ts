import { messageOf } from '../../errors.ts';
import { type StoreContext, StoreError } from '../store.ts';

/** What an upload does in its own way. */
interface UploadSteps {
  context: StoreContext;
  /** For messages: what is being written. */
  object: string;
  /** Removes what was written. `mayExist`: also under the object's own name. */
  cleanUp(mayExist: boolean): Promise<void>;
}

/**
 * How far an upload has come whose object is written under another name, and gets its own at the end. That moment is what
 * makes it subtle: when a rename fails, the object may exist nevertheless.
 */
export class UploadState {
  /** Aborted with the run, and with the upload. */
  readonly signal: AbortSignal;
  readonly #steps: UploadSteps;
  readonly #stop = new AbortController();
  /** `unknown`: the object may exist under its own name. */
  #state: 'writing' | 'unknown' | 'committed' | 'aborted' = 'writing';

  constructor(steps: UploadSteps) {
    this.#steps = steps;
    this.signal = AbortSignal.any([steps.context.signal, this.#stop.signal]);
  }

  throwIfCancelled(): void {
    if (this.signal.aborted) throw cancelledError(this.#steps.object);
  }

  /** To be called before the object can exist under its own name; with `false`, when it turned out that it does not. */
  setMayExist(mayExist = true): void {
    this.#state = mayExist ? 'unknown' : 'writing';
  }

  /** Lets `publish` give the object its name. When that fails, or is cancelled meanwhile, the upload is aborted. */
  async commit(publish: () => Promise<void>, explain: (error: unknown) => unknown): Promise<void> {
    try {
      await publish();
      this.throwIfCancelled();
    } catch (error) {
      const failure = await explain(error);
      await this.abort();
      throw failure;
    }
    this.#state = 'committed';
  }

  /** Never rejects: what cannot be removed is logged, and stays tracked. */
  async abort(): Promise<void> {
    if (this.#state === 'committed' || this.#state === 'aborted') return;
    const mayExist = this.#state === 'unknown';
    this.#state = 'aborted';
    this.#stop.abort();
    try {
      await this.#steps.cleanUp(mayExist);
    } catch (error) {
      this.#steps.context.info(`A file of the failed upload is left behind: ${messageOf(error)}`);
    }
  }
}

/** `object`: what was being written. */
export function cancelledError(object: string): StoreError {
  return new StoreError('failed', `Writing ${object} was cancelled.`);
}
