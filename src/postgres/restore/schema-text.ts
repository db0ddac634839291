import { runTool } from '../../process/child.ts';
import { connectingTool, type Server } from '../session/connection.ts';

/** How many lines around the first difference are shown. */
const CONTEXT = 3;

/**
 * Holds the restored database's definitions against those of a twin that was restored without data, as the same pg_dump
 * writes them: text is not stable from one server to another, but on one server it is. null when they are equal, else
 * the lines around the first difference.
 */
export async function compareSchemaText(restored: Server, twin: Server): Promise<string | null> {
  const [ours, theirs] = await Promise.all([schemaText(restored), schemaText(twin)]);
  if (ours.join('\n') === theirs.join('\n')) return null;
  let at = 0;
  while (ours[at] === theirs[at]) at++;
  const part = (lines: string[], sign: string) => lines.slice(at, at + CONTEXT).map((line) => `${sign} ${line}`);
  return [
    ...ours.slice(Math.max(0, at - CONTEXT), at).map((line) => `  ${line}`),
    ...part(theirs, '-'),
    ...part(ours, '+'),
  ].join('\n');
}

/** Without the lines that differ in every dump (`\restrict` and its random key), and without database-level entries. */
async function schemaText(server: Server): Promise<string[]> {
  const args = ['--schema-only', '--no-password', '--no-tablespaces'];
  const text = await runTool(connectingTool(server, 'pg_dump', 'schema', args), {
    signal: server.context.signal,
    track: server.context.track,
  });
  return text
    .toString('utf8')
    .split('\n')
    .filter((line) => !/^\\(?:un)?restrict /.test(line));
}
