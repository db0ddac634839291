import { LifeboatError } from '../errors.ts';

/** Gathers what is wrong, so that a person sees all of it in one run. */
export class Problems {
  readonly #lines: string[] = [];

  add(name: string, message: string): void {
    for (const line of message.split('\n')) this.#lines.push(`${name}: ${line}`);
  }

  /** Runs a parser or a check. What it throws for the user is kept, and the result is then undefined. */
  async collect<T>(name: string, run: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof LifeboatError)) throw error;
      this.add(name, error.message);
      return undefined;
    }
  }

  throwIfAny(): void {
    if (this.#lines.length > 0) throw new LifeboatError(this.#lines.join('\n'));
  }
}
