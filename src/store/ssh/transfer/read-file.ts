import { Readable } from 'node:stream';
import { AT_ONCE, BLOCK } from '../options.ts';
import type { Session } from '../session.ts';

/** A file's bytes, or those of a range. Several requests are under way, for each takes a whole journey to the server. */
export async function readFile(
  session: Session,
  path: string,
  range: { start: number; end: number } | null,
  signal: AbortSignal,
): Promise<Readable> {
  const handle = await session.open(path, 'r', signal);
  try {
    const end = range?.end ?? (await session.stat(path, signal)).size;
    return Readable.from(readBlocks(session, handle, { start: range?.start ?? 0, end }, signal), { objectMode: false });
  } catch (error) {
    await session.closeFile(handle, signal).catch(() => {}); // The first error counts.
    throw error;
  }
}

async function* readBlocks(
  session: Session,
  handle: Buffer,
  { start, end }: { start: number; end: number },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const underWay: Promise<Buffer>[] = [];
  let next = start;
  try {
    for (;;) {
      for (; next < end && underWay.length < AT_ONCE; next += BLOCK) {
        const block = session.read(handle, next, Math.min(end, next + BLOCK), signal);
        block.catch(() => {}); // Told when its turn comes, which may be never.
        underWay.push(block);
      }
      const block = await underWay.shift();
      if (block === undefined || block.length === 0) return;
      yield block;
    }
  } finally {
    session.closeFile(handle, signal).catch(() => {}); // It goes with the connection, at the latest.
  }
}
