import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { LifeboatError } from '../../errors.ts';
import { startTool, type Tool, ToolError } from '../../process/child.ts';
import { contentsOfDump } from '../archive/contents.ts';
import { applicationName, connectingTool, type Server } from '../session/connection.ts';
import { quoteLiteral, type Session } from '../session/session.ts';
import { shownStatement } from '../session/statement.ts';
import { LockConflict } from '../snapshot/snapshot.ts';
import type { Table } from '../snapshot/tables.ts';

/** Every lock is ours already when pg_dump asks for it, so this is only a net below {@link waitForHeads}. */
const LOCK_WAIT = '5s';
/** While the list is made nothing of ours is locked yet: a short wait, then again. */
const SELECT_LOCK_WAIT = '2s';
const EXCLUDE_DATA = '--exclude-table-data=';
/** Milliseconds between two looks at whether pg_dump waits for a lock; two in a row are too long. */
const POLL = 500;

/** Both dumps of one snapshot: definitions alone, and everything. */
export interface Dumps {
  schema: Tool;
  data: Tool;
}

/**
 * Starts both pg_dumps and waits until each has every lock that it needs. pg_dump writes the first byte of a
 * custom-format archive when it has locked the tables and read the whole catalog (CloseArchive writes the head), so
 * from then on nothing can make this attempt back off, and only from then on is anything stored.
 */
export async function startDumps(
  server: Server,
  session: Session,
  snapshot: string,
  dumpArgs: string[],
): Promise<Dumps> {
  const args = [...archiveArgs(snapshot), ...spellForVersion(dumpArgs, server.toolset.major)];
  const schema = startTool(connectingTool(server, 'pg_dump', 'schema', [...args, '--schema-only']), server.context);
  const data = startTool(connectingTool(server, 'pg_dump', 'data', args), server.context);
  try {
    await waitForHeads(server, session, [schema, data]);
    return { schema, data };
  } catch (error) {
    for (const tool of [schema, data]) tool.kill();
    await Promise.allSettled([schema.finished, data.finished]);
    throw lockTimedOut(error) ? new LockConflict('pg_dump had to wait for a lock.') : error;
  }
}

function archiveArgs(snapshot: string): string[] {
  return [
    '--format=custom',
    '--compress=0',
    '--no-password',
    '--strict-names',
    `--snapshot=${snapshot}`,
    `--lock-wait-timeout=${LOCK_WAIT}`,
  ];
}

/** pg_dump calls large objects so since version 16; before, they were blobs. */
function spellForVersion(dumpArgs: string[], major: number): string[] {
  return major >= 16 ? dumpArgs : dumpArgs.map((arg) => arg.replace(/large-objects$/, 'blobs'));
}

async function waitForHeads(server: Server, session: Session, tools: Tool[]): Promise<void> {
  const heads = Promise.all(tools.map(firstByte));
  heads.catch(() => {});
  let waited = false;
  while (!(await Promise.race([heads.then(() => true), sleep(POLL, false)]))) {
    const obstacle = await lockObstacle(server, session);
    if (obstacle !== null && waited) throw new LockConflict(obstacle);
    waited = obstacle !== null;
  }
}

async function firstByte(tool: Tool): Promise<void> {
  if (tool.stdout.readableLength === 0) {
    await once(tool.stdout, 'readable').catch(async (error: unknown) => {
      await tool.finished; // Why there is no output, the tool knows.
      throw error;
    });
  }
  if (tool.stdout.readableLength > 0) return;
  await tool.finished;
  throw new ToolError('pg_dump', 'pg_dump ended with success but wrote nothing.', tool.stderr());
}

/**
 * Names the statement that pg_dump queues behind, or null. An ALTER that came between our locks and pg_dump's waits
 * for us, pg_dump waits for it, and so does every query of the application: PostgreSQL sees no deadlock in that, for
 * our session is idle. pg_stat_activity is remembered for a transaction unless it is cleared.
 */
async function lockObstacle(server: Server, session: Session): Promise<string | null> {
  await session.run('select pg_catalog.pg_stat_clear_snapshot()');
  const names = [applicationName(server.id, 'schema'), applicationName(server.id, 'data')];
  const [blocker] = await session.query<{ pid: number; query: string }>(`
    select blocker.pid, pg_catalog."left"(coalesce(a.query, ''), 200) as query
    from pg_catalog.pg_stat_activity dump
    cross join pg_catalog.unnest(pg_catalog.pg_blocking_pids(dump.pid)) as blocker (pid)
    left join pg_catalog.pg_stat_activity a on a.pid = blocker.pid
    where dump.application_name in (${names.map(quoteLiteral).join(', ')}) and dump.wait_event_type = 'Lock'
    limit 1`);
  if (!blocker) return null;
  return `The session with pid ${blocker.pid} waits for a table that is being backed up, and pg_dump behind it: ${shownStatement(blocker.query)}.`;
}

function lockTimedOut(error: unknown): boolean {
  return error instanceof ToolError && /Query was: LOCK TABLE/.test(error.stderr) && /timeout/.test(error.stderr);
}

export function lostSnapshot(error: ToolError): boolean {
  return /invalid snapshot identifier|server closed the connection/.test(error.stderr);
}

/** What pg_dump's own words mean for the user. */
export function dumpError(error: ToolError, standby: boolean): LifeboatError {
  const known = DUMP_ERRORS.find(({ words }) => words.test(error.stderr))?.next;
  // A conflict can end a connection before its reason has come through.
  const next = standby && lostSnapshot(error) ? `${known} On a standby this is most often: ${CONFLICT}` : known;
  return next === undefined ? error : new LifeboatError(`${error.message} ${next}`, { cause: error });
}

const CONFLICT =
  'The standby cancelled the dump to go on with recovery. Set hot_standby_feedback = on, or raise max_standby_streaming_delay there, or back up the primary.';

const DUMP_ERRORS = [
  {
    words: /row-level security|row security/,
    next: 'Row-level security would hide rows from this role, so the dump would not be whole. Use a role with BYPASSRLS (ALTER ROLE … BYPASSRLS) or a superuser.',
  },
  {
    words: /conflict with recovery/,
    next: CONFLICT,
  },
  {
    words: /invalid snapshot identifier/,
    next: "The session that holds the snapshot is gone, or the connection goes through a pooler. Give the server's direct address in database-url.",
  },
  {
    words: /out of shared memory/,
    next: 'Raise max_locks_per_transaction in postgresql.conf and restart the server.',
  },
  {
    words: /invalid memory alloc request size/,
    next: 'A field of the table that is named is too large to be written as text (over 1 GB; bytea doubles). pg_dump cannot dump it: split the value, or keep it outside of the database.',
  },
  {
    words: /no matching (tables|schemas|extensions) were found/,
    next: 'Check the pattern in dump-args.',
  },
  {
    words: /permission denied for large object/,
    next: 'The role must be able to read every large object: use their owner or a superuser.',
  },
  {
    words: /permission denied/,
    next: 'Grant the role SELECT on it, or the role pg_read_all_data (PostgreSQL 14 and newer).',
  },
  {
    words:
      /server closed the connection unexpectedly|terminating connection|connection to server was lost|could not receive data/,
    next: 'The server ended the connection in the middle of the dump. See its log; run again when it is up.',
  },
];

/** What a dump with these options holds. */
export interface Selection {
  tables: Table[];
  /** Tables whose definition is dumped but not their rows (`--exclude-table-data`). */
  withoutRows: Set<number>;
}

/**
 * The tables that a dump with `dumpArgs` holds: pg_dump itself says it, so no pattern is understood in two ways.
 * Configuration tables of extensions have no definition in a dump; they stay, and the archive tells in the end.
 */
export async function selectTables(
  server: Server,
  tables: Table[],
  dumpArgs: string[],
  snapshot: string | null,
): Promise<Selection> {
  if (dumpArgs.length === 0) return { tables, withoutRows: new Set() };
  const args = ['--no-password', '--strict-names', `--lock-wait-timeout=${SELECT_LOCK_WAIT}`];
  if (snapshot !== null) args.push(`--snapshot=${snapshot}`);
  const patterns = dumpArgs.filter((arg) => arg.startsWith(EXCLUDE_DATA)).map((arg) => arg.slice(EXCLUDE_DATA.length));
  try {
    await requireMatches(server, args, dumpArgs);
    const { definitions } = await contentsOfDump(server, [...args, ...spellForVersion(dumpArgs, server.toolset.major)]);
    const withoutRows =
      patterns.length === 0
        ? new Set<number>()
        : (await contentsOfDump(server, [...args, ...patterns.map((pattern) => `--table=${pattern}`)])).definitions;
    return { tables: tables.filter(({ oid, extension }) => extension !== null || definitions.has(oid)), withoutRows };
  } catch (error) {
    if (lockTimedOut(error)) throw new LockConflict('A table was locked by another session while the list was made.');
    throw error instanceof ToolError ? dumpError(error, false) : error;
  }
}

/**
 * `--strict-names` says nothing of patterns that exclude (pg_dump, --strict-names): one that matches nothing is most
 * often a slip, and what should stay out would be in the backup. As a pattern that includes it must match.
 */
async function requireMatches(server: Server, args: string[], dumpArgs: string[]): Promise<void> {
  const [tables, schemas] = ['--exclude-table=', '--exclude-schema='].map((option) =>
    dumpArgs.filter((arg) => arg.startsWith(option)).map((arg) => arg.replace('--exclude-', '--')),
  );
  for (const patterns of [tables ?? [], schemas ?? []]) {
    if (patterns.length > 0) await contentsOfDump(server, [...args, ...patterns]);
  }
}
