/** A statement that the server refused while an archive was restored. */
export interface RestoreError {
  /** What the archive's table of contents calls it: `TABLE DATA`, `INDEX`, ...; null when pg_restore did not say. */
  kind: string | null;
  /** Its name there, with the schema when it has one, as people write it: not quoted, not for SQL. */
  object: string | null;
  /** The server's first line. Details can quote rows and are left out. */
  message: string;
}

/**
 * Understands what `pg_restore --verbose` says on standard error (pg_backup_archiver.c):
 *
 *     pg_restore: creating TABLE "public.t"
 *     pg_restore: from TOC entry 217; 1259 16391 TABLE t owner
 *     pg_restore: error: could not execute query: ERROR:  relation "t" already exists
 *     Command was: ...
 *     pg_restore: warning: errors ignored on restore: 1
 *
 * Of the first two lines only the first has the schema, and shows where a name ends.
 */
export class RestoreErrors {
  readonly #errors: RestoreError[] = [];
  #entry: Pick<RestoreError, 'kind' | 'object'> = { kind: null, object: null };
  #ignored: number | null = null;

  readonly take = (line: string): void => {
    const reported = /^pg_restore: (.*)$/.exec(line)?.[1];
    if (reported === undefined) return;
    this.#entry = parseEntry(reported) ?? this.#entry;
    const ignored = /^warning: errors ignored on restore: (\d+)$/.exec(reported)?.[1];
    if (ignored !== undefined) this.#ignored = Number(ignored);
    const error = /^error: (.*)$/.exec(reported)?.[1];
    if (error !== undefined) this.#errors.push({ ...this.#entry, message: serverMessage(error) });
  };

  /** It came to its end: it has counted the errors that it went on after. */
  sawEnd(): boolean {
    return this.#ignored !== null;
  }

  /** Every error; one more when pg_restore has counted more than it said in a way that is known here. */
  all(): RestoreError[] {
    const unknown = (this.#ignored ?? 0) - this.#errors.length;
    if (unknown <= 0) return [...this.#errors];
    const message = `pg_restore counted ${this.#ignored} errors; of ${unknown} it is not known what they are`;
    return [...this.#errors, { kind: null, object: null, message }];
  }
}

/** What it does next. A name with a line break in it ends there. */
function parseEntry(text: string): Pick<RestoreError, 'kind' | 'object'> | null {
  const created = /^creating ([A-Z][A-Z -]*) "(.*?)"?$/.exec(text);
  if (created) return { kind: created[1] ?? null, object: created[2] ?? null };
  const table = /^processing data for table "(.*?)"?$/.exec(text);
  if (table) return { kind: 'TABLE DATA', object: table[1] ?? null };
  const done = /^(?:executing|processing) ([A-Z][A-Z ]*[A-Z])(?: (.*))?$/.exec(text);
  return done ? { kind: done[1] ?? null, object: done[2] ?? null } : null;
}

/** A value that the server quotes at the end (`invalid input syntax for type date: "..."`) is of a row, so it is not shown. */
function serverMessage(error: string): string {
  return error
    .replace(/^could not execute query: /, '')
    .replace(/ERROR: +/, '')
    .replace(/: ".*$/, ': (a value, not shown)');
}
