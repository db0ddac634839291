import type { Finding } from '../formats/restore-test/finding.ts';

/** A statement that the server refused during a restore, as pg_restore tells it. */
export interface RefusedStatement {
  kind: string | null;
  object: string | null;
  message: string;
}

/** What means nothing for what is restored. Each has its test. */
const HARMLESS = [
  // pg_dump 17 and newer set it, older servers do not know it (FAILURES R3).
  /unrecognized configuration parameter "transaction_timeout"/,
  // template0 has it, and a source that had dropped and made it again dumps it.
  /^schema "public" already exists$/,
];

/** What a scratch server lacks, not the backup. */
const SERVER_LACKS = [
  /extension "[^"]*" is not available/,
  /could not open extension control file/,
  /could not (?:access|load) (?:file|library)/,
  /compression method lz4 not supported/,
  /security label provider "[^"]*" is not loaded/,
  /(?:access method|language) "[^"]*" does not exist/,
  /is not supported by this (?:build|installation)/,
  /could not connect to server/,
];

/** Errors are the user's to correct: some databases cannot be restored from their own dump (FAILURES R4). */
export function findingsOf(errors: RefusedStatement[], lacking: string[]): Finding[] {
  return errors
    .filter(({ message }) => !HARMLESS.some((known) => known.test(message)))
    .map((error): Finding => {
      const kind = (error.kind ?? 'restore').toLowerCase();
      const object = error.object ?? 'a statement of the archive';
      const serverLacks = lacking.length > 0 || SERVER_LACKS.some((known) => known.test(error.message));
      if (serverLacks) {
        return {
          severity: 'could-not-verify',
          kind,
          object,
          message: `The scratch server cannot hold it: ${error.message}. Install what is missing there, or give another server in scratch-url.`,
        };
      }
      return {
        severity: 'failed',
        kind,
        object,
        message: `It cannot be restored from its own dump: ${error.message}. Correct this in the source, then back up again.`,
      };
    });
}
