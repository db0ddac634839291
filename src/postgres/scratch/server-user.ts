import { readdir, readFile } from 'node:fs/promises';
import { LifeboatError } from '../../errors.ts';

export interface User {
  uid: number;
  gid: number;
}

export function runsAsRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * A user of this machine other than ourselves: the one that PostgreSQL's packages create, or `nobody`. Rather one that runs
 * nothing: the files of a production server belong to its user, and the code of a dump must not reach them.
 */
export async function otherUser(): Promise<User | null> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const users = ['postgres', 'nobody'].flatMap((name) => {
    const [, uid, gid] = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(passwd) ?? [];
    return uid === undefined || Number(uid) === process.getuid?.() ? [] : [{ uid: Number(uid), gid: Number(gid) }];
  });
  for (const user of users) if ((await tasksOf(user.uid)) === 0) return user;
  return users[0] ?? null;
}

/** How many tasks of the user run: processes, and their threads. */
export async function tasksOf(uid: number): Promise<number> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const counts = pids.map(async (pid) => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const owner = Number(/^Uid:\s*(\d+)/m.exec(status)?.[1] ?? -1);
    return owner === uid ? Number(/^Threads:\s*(\d+)/m.exec(status)?.[1] ?? 1) : 0;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** PostgreSQL refuses to run as root. */
export function noUserForServer(): LifeboatError {
  return new LifeboatError(
    'PostgreSQL does not run as root, and this machine has no user postgres or nobody to run it as. Run the job as an ordinary user, or give scratch-image or scratch-url.',
  );
}
