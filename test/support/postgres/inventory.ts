import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ObjectFacts } from '../../../src/formats/inventory/inventory.ts';
import { readDefinitions } from '../../../src/postgres/inventory/read.ts';
import { countTables } from '../../../src/postgres/inventory/rows/count-tables.ts';
import { listSequences, readRestoredSequences } from '../../../src/postgres/inventory/sequences.ts';
import { Session } from '../../../src/postgres/session/session.ts';
import { listTables } from '../../../src/postgres/snapshot/tables.ts';
import { newestToolset } from '../../../src/postgres/toolset/find-toolset.ts';
import { localToolsets } from '../../../src/postgres/toolset/local-toolsets.ts';
import { execute } from '../servers/execute.ts';
import type { PostgresServer } from '../servers/postgres.ts';
import { localPrograms } from '../servers/postgres-programs.ts';
import { runFolder } from '../servers/run.ts';

const KITCHEN_SINK = join(import.meta.dirname, '..', '..', 'fixtures', 'kitchen-sink.sql');

export async function openSession(connection: Record<string, string>): Promise<Session> {
  const toolset = await newestToolset([localToolsets]);
  const context = { signal: new AbortController().signal, track: () => () => {} };
  return Session.open({ toolset, connection, id: 'inventory-test', context }, 'snapshot');
}

/** Reads with a session of its own in a transaction as a backup has it. */
export async function inSnapshot<T>(
  connection: Record<string, string>,
  read: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(connection);
  try {
    await session.run('begin isolation level repeatable read read only');
    return await read(session);
  } finally {
    session.kill();
  }
}

/** All that the readers read, by the tables' names; ends the session's transaction. */
export async function readAll(session: Session) {
  const tables = await listTables(session);
  const definitions = await readDefinitions(session, { content: true });
  const counts = await countTables(session, tables, { fingerprint: 'content', userCode: new Map(), copyRows: null });
  const counted = tables.map(({ oid, schema, name, kind }) => ({ schema, name, kind, ...counts.get(oid) }));
  const sequences = await listSequences(session);
  await session.run('commit');
  const values = await readRestoredSequences(session, sequences);
  const valued = sequences.map(({ oid, ...sequence }) => ({ ...sequence, current: values.get(oid) ?? null }));
  return { ...definitions, tables: counted, sequences: valued };
}

export async function createKitchenSink(server: PostgresServer, name: string): Promise<void> {
  await server.createDatabase(name, 'TEMPLATE template0');
  await server.psql(name, readFileSync(KITCHEN_SINK, 'utf8'));
}

/** Dumps one database and restores it into another, by the tools of this machine. */
export async function copyDatabase(server: PostgresServer, from: string, to: string): Promise<void> {
  const binDir = localPrograms()?.binDir ?? '';
  const archive = join(mkdtempSync(join(runFolder(), 'copy-')), 'archive');
  const env = (database: string) => ({ PATH: process.env.PATH, LANG: 'C.UTF-8', ...server.env(database) });
  await execute(join(binDir, 'pg_dump'), ['-Fc', '-Z0', '-w', '-f', archive], { env: env(from) });
  await execute(join(binDir, 'pg_restore'), ['-w', '-d', to, archive], { env: env(to) }).catch(allowNewerTool);
}

/** pg_restore sets transaction_timeout since PostgreSQL 17; older servers do not know it. */
function allowNewerTool(error: Error): void {
  const errors = error.message.match(/pg_restore: error: .*/g) ?? [];
  const allowed = errors.filter((line) => line.includes('"transaction_timeout"'));
  if (errors.length === 0 || allowed.length < errors.length) throw error;
}

export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `type identity` of every object that is not the same in both. */
export function differences(expected: ObjectFacts[], found: ObjectFacts[]): string[] {
  const key = ({ type, identity }: ObjectFacts) => `${type} ${identity}`;
  const facts = (objects: ObjectFacts[]) => new Map(objects.map((object) => [key(object), JSON.stringify(object)]));
  const [a, b] = [facts(expected), facts(found)];
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name)).sort(byText);
}
