import { startTool } from '../../../process/child.ts';
import { LineEnds, MOST_BYTES } from '../../archive/line-ends.ts';
import { connectingTool, type Server } from '../../session/connection.ts';
import { quoteIdentifier, quoteLiteral, type Session } from '../../session/session.ts';
import { qualifiedName } from '../../snapshot/snapshot.ts';
import type { Table } from '../../snapshot/tables.ts';

export type CopyRows = (table: Pick<Table, 'oid' | 'schema' | 'name'>) => Promise<string>;

/** An ALTER that waits for a lock of ours would hold up this psql, and we would wait for it: PostgreSQL sees no deadlock. */
const LOCK_TIMEOUT = '2s';

/**
 * Counts the rows of tables that no query may read, by the lines of `COPY table TO STDOUT`. A psql of its own for each
 * table, in the snapshot of the session's transaction, because a session reads answers as text, line by line.
 */
export async function copyCounter(server: Server, session: Session): Promise<CopyRows> {
  const [snapshot] = await session.query<{ name: string }>('select pg_catalog.pg_export_snapshot() as name');
  return async (table) => {
    const column = await smallestColumn(session, table);
    const spec = connectingTool(server, 'psql', 'compare', [
      ...['--no-psqlrc', '--quiet', '--no-password', '--set=ON_ERROR_STOP=1'],
      ...['--command', 'begin isolation level repeatable read read only'],
      ...['--command', `set transaction snapshot ${quoteLiteral(snapshot?.name ?? '')}`],
      ...['--command', 'set local row_security = off'],
      ...['--command', `set local lock_timeout = '${LOCK_TIMEOUT}'`],
      ...['--command', `copy ${qualifiedName(table)}${column} to stdout (encoding 'SQL_ASCII')`],
    ]);
    const tool = startTool(spec, server.context);
    tool.stdin.end();
    const [lines] = await Promise.all([countLines(tool.stdout), tool.finished]);
    return String(lines);
  };
}

/** One column is enough, and no conversion of characters. A generated one is not allowed in COPY. */
async function smallestColumn(session: Session, { oid }: Pick<Table, 'oid'>): Promise<string> {
  const [column] = await session.query<{ name: string }>(`
    select a.attname as name from pg_catalog.pg_attribute a
    where a.attrelid = ${oid} and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    order by a.attlen < 0, a.attlen, a.attnum limit 1`);
  return column ? ` (${quoteIdentifier(column.name)})` : '';
}

async function countLines(stream: AsyncIterable<Uint8Array>): Promise<number> {
  const lineEnds = new LineEnds();
  let lines = 0;
  for await (const chunk of stream) {
    for (let start = 0; start < chunk.length; start += MOST_BYTES) {
      const bytes = chunk.subarray(start, start + MOST_BYTES);
      lineEnds.load(bytes);
      lines += lineEnds.count(0, bytes.length);
    }
  }
  return lines;
}
