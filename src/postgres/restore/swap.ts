import { setTimeout as sleep } from 'node:timers/promises';
import { LifeboatError } from '../../errors.ts';
import type { Server } from '../session/connection.ts';
import { quoteIdentifier, quoteLiteral, Session, SqlError } from '../session/session.ts';

/** Another session is connected to a database that is to be renamed (PostgreSQL, Appendix A: object_in_use). */
const OBJECT_IN_USE = '55006';
/** Milliseconds between two rounds of ending connections, and between two tries. */
const PAUSE = 100;

export interface Swap {
  /** The database that people use; after the swap the restored one has its name. */
  live: string;
  restored: string;
  /** What the old one is called afterwards; null: there was none. */
  before: string | null;
}

export interface SwapOptions {
  /** Milliseconds. */
  timeout: number;
  /** Called between the statements. */
  at(step: string): Promise<void>;
}

/** The swap as SQL: in one transaction, so that a moment before it everything is as it was, and a moment after it done. */
export function swapStatements({ live, restored, before }: Swap): string[] {
  const rename = (from: string, to: string) =>
    `alter database ${quoteIdentifier(from)} rename to ${quoteIdentifier(to)}`;
  return [...(before === null ? [] : [rename(live, before)]), rename(restored, live)];
}

/**
 * Gives the restored database the live one's name. A database can be renamed while nobody is connected to it: a second
 * session ends connections to both until the transaction has come through, for at most `timeout` milliseconds. Whether
 * new connections are allowed is never touched: a run that dies leaves nothing behind to be undone. Throws when the
 * time is over or the server refuses; then everything is as it was.
 */
export async function swapDatabases(
  { server, session }: { server: Server; session: Session },
  swap: Swap,
  { timeout, at }: SwapOptions,
): Promise<void> {
  const deadline = Date.now() + timeout;
  const ender = await Session.open(server, 'watch');
  let ending = true;
  const names = [swap.live, swap.restored].map(quoteLiteral).join(', ');
  const endConnections = async () => {
    for (; ending; await sleep(PAUSE)) {
      await ender.query(`
        select pg_catalog.pg_terminate_backend(pid) as ended from pg_catalog.pg_stat_activity
        where datname in (${names}) and pid <> pg_catalog.pg_backend_pid()`);
    }
  };
  const enders = endConnections();
  enders.catch(() => {}); // A rename that still works needs no more of it.
  try {
    for (;;) {
      try {
        await inOneTransaction(session, swap, at);
        return;
      } catch (error) {
        await session.run('rollback').catch(() => {});
        if (!(error instanceof SqlError) || error.sqlstate !== OBJECT_IN_USE) throw error;
        if (Date.now() > deadline) throw tooBusy(swap, timeout, error);
      }
      await sleep(PAUSE);
    }
  } finally {
    ending = false;
    await enders.catch(() => {});
    ender.kill();
  }
}

async function inOneTransaction(session: Session, swap: Swap, at: (step: string) => Promise<void>): Promise<void> {
  await at('before begin');
  await session.run('begin');
  for (const [index, statement] of swapStatements(swap).entries()) {
    await at(`before rename ${index + 1}`);
    await session.run(statement);
  }
  await at('before commit');
  await session.run('commit');
  await at('after commit');
}

function tooBusy({ live }: Swap, timeout: number, cause: SqlError): LifeboatError {
  return new LifeboatError(
    `Database ${JSON.stringify(live)} was in use all the time for ${timeout / 1000} s, so it was not replaced. Stop the application, then run again or raise swap-timeout.`,
    { cause },
  );
}
