import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startDumps } from '../../../../src/postgres/dump/dump.ts';
import { type Connected, connectServer } from '../../../../src/postgres/session/connect.ts';
import { toolCommand } from '../../../../src/postgres/session/connection.ts';
import { Session } from '../../../../src/postgres/session/session.ts';
import { type SnapshotOptions, type SnapshotStep, withSnapshot } from '../../../../src/postgres/snapshot/snapshot.ts';
import { runTool } from '../../../../src/process/child.ts';
import { type PostgresServer, sharedPostgres } from '../../../support/servers/postgres.ts';

/*
 * C1: a TRUNCATE or a rewriting ALTER TABLE that commits between the snapshot and pg_dump's locks empties the table for
 * the snapshot. Both here also insert a row into `marker` in the same transaction, so what the archive holds of
 * `marker` tells on which side of that transaction the snapshot lies, and what it must hold of `victim`.
 */
const ROUNDS = 20;
const ROWS = 1000;
const steps: SnapshotStep[] = ['before-list', 'list-lock', 'lock-export', 'export-dump', 'during-copy'];
const actions = {
  truncate: { sql: 'truncate victim', rowsAfter: 0 },
  'rewriting alter': { sql: 'alter table victim alter column n type numeric using n + 1', rowsAfter: ROWS },
};

let postgres: PostgresServer;
let connected: Connected;
let other: Session;

beforeAll(async () => {
  postgres = await sharedPostgres();
  await postgres.createDatabase('c1');
  const context = { signal: new AbortController().signal, track: () => () => {} };
  connected = await connectServer(postgres.env('c1'), { kind: 'local' }, '20260101T000000Z-c1c1c1c1', context);
  other = await Session.openUnset({ ...connected.server, id: 'other' }, 'watch');
});

afterAll(async () => {
  await other.close();
  await connected.session.close();
  await postgres.dropDatabase('c1');
});

async function reset(): Promise<void> {
  await other.run('drop table if exists victim, marker');
  await other.run(`create table victim as select n from generate_series(1, ${ROWS}) n`);
  await other.run('create table marker (n int)');
}

/** What another session does: waits at most 100 ms for a lock, and gives up when it gets none. */
async function interfere(sql: string): Promise<void> {
  await other.run('begin');
  try {
    await other.run("set local lock_timeout = '100ms'");
    await other.run(sql);
    await other.run('insert into marker values (1)');
    await other.run('commit');
  } catch {
    await other.run('rollback');
  }
}

interface Seen {
  archive: { victim: number; marker: number };
  counted: number;
}

/** Lifeboat's order: locks, then the snapshot. */
async function lifeboatOrder(at: SnapshotOptions['at']): Promise<Seen> {
  const { session, server } = connected;
  const options = {
    lockWaitTimeout: 20_000,
    signal: server.context.signal,
    select: async <T>(tables: T) => tables,
    info: () => {},
    at,
  };
  const dumps = await withSnapshot(session, options, ({ name }) => startDumps(server, session, name, []));
  await at('during-copy');
  return read(dumps);
}

/** The usual order: the snapshot first, and pg_dump takes its locks when it comes to it. */
async function naiveOrder(at: SnapshotOptions['at']): Promise<Seen> {
  const { session, server } = connected;
  await at('before-list');
  await at('list-lock');
  await session.run('begin isolation level repeatable read read only');
  const [exported] = await session.query<{ name: string }>('select pg_export_snapshot() as name');
  await at('lock-export');
  await at('export-dump');
  const dumps = await startDumps(server, session, exported?.name ?? '', []);
  await at('during-copy');
  return read(dumps);
}

async function read(dumps: Awaited<ReturnType<typeof startDumps>>): Promise<Seen> {
  const { session, server } = connected;
  dumps.schema.stdout.resume();
  const chunks: Buffer[] = [];
  for await (const chunk of dumps.data.stdout) chunks.push(chunk as Buffer);
  await Promise.all([dumps.schema.finished, dumps.data.finished]);
  const [row] = await session.query<{ n: number }>('select count(*)::int as n from only public.victim');
  await session.run('commit');
  const restore = toolCommand(server, 'pg_restore', 'data', ['--data-only', '--file=-']);
  const sql = (await runTool(restore, server.context, Buffer.concat(chunks))).toString('utf8');
  const rowsOf = (table: string) => {
    const copied = new RegExp(`^COPY public\\.${table} .*;\\n((?:.*\\n)*?)\\\\\\.$`, 'm').exec(sql)?.[1] ?? '';
    return copied.split('\n').length - 1;
  };
  return { archive: { victim: rowsOf('victim'), marker: rowsOf('marker') }, counted: row?.n ?? -1 };
}

/** Null when the archive and the count are what the database held at the snapshot. */
function lossOf(seen: Seen, rowsAfter: number): string | null {
  const expected = seen.archive.marker === 0 ? ROWS : rowsAfter;
  const same = seen.archive.victim === expected && seen.counted === expected;
  return same ? null : `expected ${expected}, archive ${seen.archive.victim}, counted ${seen.counted}`;
}

async function lossesOf(
  order: typeof lifeboatOrder,
  action: (typeof actions)[keyof typeof actions],
  step: SnapshotStep,
  rounds: number,
): Promise<string[]> {
  const losses: string[] = [];
  for (let round = 0; round < rounds; round++) {
    await reset();
    let acted = false;
    const seen = await order(async (at) => {
      if (at !== step || acted) return;
      acted = true;
      await interfere(action.sql);
    });
    expect(acted).toBe(true);
    const loss = lossOf(seen, action.rowsAfter);
    if (loss !== null) losses.push(loss);
  }
  return losses;
}

describe('C1: no rows are lost to another session', () => {
  for (const [name, action] of Object.entries(actions)) {
    for (const step of steps) {
      test(`${name} at ${step}, ${ROUNDS} rounds`, async () => {
        expect(await lossesOf(lifeboatOrder, action, step, ROUNDS)).toEqual([]);
      });
    }

    test(`${name} between snapshot and locks: the usual order loses the rows, in dump and count alike`, async () => {
      const losses = await lossesOf(naiveOrder, action, 'export-dump', 3);
      expect(losses).toEqual(Array(3).fill(expect.stringMatching(/archive 0, counted 0/)));
    });
  }
});
