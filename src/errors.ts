/**
 * An error that the user can act on. Its message names the input or object, what was expected, and the next step;
 * it is shown as it is, without a stack trace, so it must never hold a secret.
 */
export class LifeboatError extends Error {
  override readonly name: string = 'LifeboatError';
}

/** What had been made on a server could not be removed again. The message tells what failed before that, too. */
export class LeftBehind extends LifeboatError {
  override readonly name = 'LeftBehind';
  /** A sentence that names what is left, and what to do with it. */
  readonly left: string;

  constructor(left: string, cause: unknown) {
    super(cause === null ? left : `${messageOf(cause)} ${left}`, { cause });
    this.left = left;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
