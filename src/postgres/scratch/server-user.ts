import { readFile } from 'node:fs/promises';
import { LifeboatError } from '../../errors.ts';

export interface User {
  uid: number;
  gid: number;
}

export function runsAsRoot(): boolean {
  return process.getuid?.() === 0;
}

/** A user of this machine other than ourselves: the one that PostgreSQL's packages create, else `nobody`. */
export async function otherUser(): Promise<User | null> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  for (const name of ['postgres', 'nobody']) {
    const entry = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(passwd);
    if (entry && Number(entry[1]) !== process.getuid?.()) return { uid: Number(entry[1]), gid: Number(entry[2]) };
  }
  return null;
}

/** PostgreSQL refuses to run as root. */
export function noUserForServer(): LifeboatError {
  return new LifeboatError(
    'PostgreSQL does not run as root, and this machine has no user postgres or nobody to run it as. Run the job as an ordinary user, or give scratch-image or scratch-url.',
  );
}
