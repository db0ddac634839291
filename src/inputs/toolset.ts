import { LifeboatError } from '../errors.ts';
import { quote } from './text.ts';
import { wholeNumber } from './words.ts';

/** Both words mean the client programs of this machine for now; `auto` may look further in later versions. */
export function parseToolset(text: string): 'auto' | 'local' {
  if (text === 'auto' || text === 'local') return text;
  if (/^(container|image):/.test(text)) {
    throw new LifeboatError(
      `${quote(text)}: PostgreSQL’s programs from a container or an image are not in this version yet. Write local, and install the client on the runner, for example with: sudo apt-get install postgresql-client`,
    );
  }
  throw new LifeboatError(`${quote(text)} is not known. Write auto or local.`);
}

/** pg_restore's own limit is larger; so many sessions are of no use on any machine that a runner is. */
const MOST_JOBS = 64;

export function parseRestoreJobs(text: string): number {
  return wholeNumber(1, MOST_JOBS)(text);
}

/** One pg_dump at a time is what this version has. */
export function parseJobs(text: string): 1 {
  if (text === '1') return 1;
  if (/^[1-9]\d*$/.test(text)) {
    throw new LifeboatError(`${quote(text)}: a parallel dump is not in this version yet. Write 1.`);
  }
  throw new LifeboatError(`${quote(text)} is not a number of jobs. Write 1.`);
}
