import { appendFileSync } from 'node:fs';

/** The environment variable that names the file which `npm test` reads at its end: a line of JSON for each. */
export const NOT_RUN_FILE = 'TEST_NOT_RUN_FILE';

/** A check that could not run on this machine. */
export interface NotRun {
  what: string;
  why: string;
  /** Nothing that can be installed would make it run on this machine: it is listed, and not an error in CI. */
  hopeless?: true;
}

/**
 * Tells that a check cannot run here; `npm test` names it at its end. Call it where the test is left out, which is
 * skipped then. With CI=true it throws: there every check runs, or the run is red; but not for what is `hopeless`.
 */
export function notRun(what: string, why: string, { hopeless }: Pick<NotRun, 'hopeless'> = {}): void {
  if (process.env.CI === 'true' && !hopeless) throw new Error(`${what} cannot run here: ${why}`);
  const file = process.env[NOT_RUN_FILE];
  if (file === undefined) console.warn(`${what} did not run: ${why}`);
  else appendFileSync(file, `${JSON.stringify({ what, why, ...(hopeless && { hopeless }) } satisfies NotRun)}\n`);
}
