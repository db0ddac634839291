import { LifeboatError } from '../../errors.ts';
import { ToolError } from '../../process/child.ts';
import { SqlError } from '../session/session.ts';

/** SQLSTATEs of PostgreSQL's Appendix A that a reader may meet. */
export const SQLSTATE = {
  serializationFailure: '40001',
  undefinedTable: '42P01',
  insufficientPrivilege: '42501',
  lockNotAvailable: '55P03',
  outOfMemory: '53200',
  programLimitExceeded: '54000',
  internalError: 'XX000',
} as const;

/** A schema and a name as a person reads them; line breaks and the like are escaped, for anything can stand in a name. */
export function labelOf({ schema, name }: { schema: string; name: string }): string {
  return `${JSON.stringify(schema)}.${JSON.stringify(name)}`;
}

/** The errors that any reading can meet, in words a person can act on; null when it is none of them. */
export function commonError(error: unknown, what: string): LifeboatError | null {
  if (isRecoveryConflict(error)) {
    return new LifeboatError(
      `The standby ended the reading of ${what}: it had to replay changes of the primary that removed rows which the backup still needs. Set hot_standby_feedback = on at the standby, or raise max_standby_streaming_delay there to longer than a backup takes, or back up the primary.`,
      { cause: error },
    );
  }
  if (error instanceof SqlError && error.sqlstate === SQLSTATE.outOfMemory && /shared memory/.test(error.message)) {
    return new LifeboatError(
      `The server has no room for one more lock, at ${what}: ${error.message}. Raise max_locks_per_transaction in postgresql.conf and restart the server; every table of the database needs two locks in a backup.`,
      { cause: error },
    );
  }
  return null;
}

/**
 * A read-only transaction meets no other serialization failure than the conflict with recovery. Behind a savepoint the
 * server ends the whole session instead of the statement (ProcessInterrupts in postgres.c), and psql with it.
 */
function isRecoveryConflict(error: unknown): boolean {
  if (error instanceof SqlError) return error.sqlstate === SQLSTATE.serializationFailure;
  return error instanceof ToolError && /conflict with recovery/.test(error.stderr);
}
