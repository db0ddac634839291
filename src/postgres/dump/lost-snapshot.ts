import { ToolError } from '../../process/child.ts';
import type { Session } from '../session/session.ts';
import { lostSnapshot } from './dump.ts';

/** pg_dump knows only that the snapshot is gone. The server has sent the reason to the session that held it. */
export async function causeOfDumpError(error: unknown, session: Session): Promise<unknown> {
  if (!(error instanceof ToolError) || !lostSnapshot(error)) return error;
  try {
    await session.run('select 1');
    return error;
  } catch (why) {
    return why instanceof ToolError && why.stderr !== '' ? why : error;
  }
}
