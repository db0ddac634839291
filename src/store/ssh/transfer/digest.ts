import { StoreError } from '../../store.ts';
import type { Remote } from '../remote.ts';
import type { Session } from '../session.ts';

/** Servers that have no shell for us, or no sha256sum: asked once. */
const WITHOUT = new WeakSet<Remote>();

/** Has the server read the file again, where it can; a server that cannot is no error, for the size was compared. */
export async function verifyDigest(
  remote: Remote,
  session: Session,
  { path, sha256 }: { path: string; sha256: string },
  signal: AbortSignal,
): Promise<void> {
  if (WITHOUT.has(remote)) return;
  const output = await session.execute(`sha256sum < ${quoteForShell(path)}`, remote.options.digestTimeout, signal);
  const found = /^([0-9a-f]{64})\b/.exec(output ?? '')?.[1];
  if (found === undefined) {
    WITHOUT.add(remote);
  } else if (found !== sha256) {
    throw new StoreError(
      'failed',
      `${JSON.stringify(path)} on ${remote.place} is not what was sent: its sha256 is ${found}, and ${sha256} was sent. ` +
        "Look at that machine's disk and memory, or use another store.",
    );
  }
}

/** For a POSIX shell. */
function quoteForShell(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
