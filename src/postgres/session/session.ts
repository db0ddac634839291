import { randomBytes } from 'node:crypto';
import { LifeboatError } from '../../errors.ts';
import { startTool, type Tool, ToolError } from '../../process/child.ts';
import { connectingTool, type Server, type SessionRole } from './connection.ts';
import { connectionError } from './errors.ts';
import { ownSettings } from './own-settings.ts';

/** An error that the server answered to a statement, with its SQLSTATE (PostgreSQL, Appendix A). */
export class SqlError extends LifeboatError {
  override readonly name = 'SqlError';
  readonly sqlstate: string;

  constructor(sqlstate: string, message: string) {
    super(`${message} (SQLSTATE ${sqlstate})`);
    this.sqlstate = sqlstate;
  }
}

/**
 * One connection to PostgreSQL, held by a psql that reads statements from its standard input. One statement at a time;
 * a caller that has several at once is queued.
 *
 * psql obeys backslash commands (`\!` is a shell) and replaces `:variables` wherever it sees them outside of quotes. So
 * what it reads from here holds no backslash and no NUL, at which it would stop reading a quoted text; and SQL that is
 * not Lifeboat's own never stands in it: see {@link Session.queryForeign}.
 */
export class Session {
  /** `server_version_num`: 150018. */
  readonly versionNumber: number;
  readonly #psql: Tool;
  readonly #lines: AsyncIterator<string>;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(psql: Tool, lines: AsyncIterator<string>, versionNumber: number) {
    this.#psql = psql;
    this.#lines = lines;
    this.versionNumber = versionNumber;
  }

  /** Connects, and does {@link setOwn}: for a connection that is known to be its own. */
  static async open(server: Server, role: SessionRole): Promise<Session> {
    const session = await Session.openUnset(server, role);
    try {
      await session.setOwn();
      return session;
    } catch (error) {
      session.kill();
      throw error;
    }
  }

  /**
   * Connects; throws a clear error when the server cannot be reached or refuses. It sets nothing: behind a transaction
   * pooler that would change the connections of others, and queries of the user's run with the user's settings.
   */
  static async openUnset(server: Server, role: SessionRole): Promise<Session> {
    const args = ['--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--no-password', '--set=VERBOSITY=terse'];
    const spec = connectingTool(server, 'psql', role, args);
    const env = { ...spec.env, PGCLIENTENCODING: 'UTF8' };
    // What psql says on standard error comes back as an SqlError; the log would only show it twice.
    const { signal, track } = server.context;
    const psql = startTool({ ...spec, env }, { signal, track });
    // Lines end with \n only: \r, U+2028 and their like can stand in names. JSON escapes \n.
    const lines = splitLines(psql.stdout);
    try {
      return new Session(psql, lines, await askVersion(psql, lines));
    } catch (error) {
      psql.kill();
      throw error instanceof ToolError ? connectionError(error, server.connection) : error;
    }
  }

  /** Sets for the whole session what Lifeboat's own statements depend on. */
  async setOwn(): Promise<void> {
    await this.runTogether(ownSettings(this.versionNumber).map((setting) => `set ${setting}`));
  }

  /** Runs a statement that gives no rows. Throws a {@link SqlError}. */
  async run(sql: string): Promise<void> {
    await this.#exchange(`${withoutCommands(sql)}\n;`);
  }

  /** Sends several statements as one message: when one fails, none of those that follow is run (libpq, PQexec). */
  async runTogether(statements: string[]): Promise<void> {
    await this.#exchange(`${statements.map(withoutCommands).join('\\;\n')}\n;`);
  }

  /** Runs a query; each row is an object by column name. bigint and numeric beyond 2^53 must be cast to text. */
  async query<T>(sql: string): Promise<T[]> {
    return asRows(await this.#exchange(`${withoutCommands(asJson(sql))}\n;`));
  }

  /** Runs a query that is not Lifeboat's own. psql does not look into it. */
  async queryForeign<T>(sql: string): Promise<T[]> {
    return asRows(await this.#exchange(decodedStatement(asJson(sql))));
  }

  /** Runs such a query whose rows may be more than fit into memory, so many at a time; in a transaction that is begun. */
  async *foreignBatches<T>(sql: string, size: number): AsyncGenerator<T[]> {
    await this.#exchange(decodedStatement(`declare lifeboat_rows no scroll cursor for ${asJson(sql)}`));
    for (;;) {
      const rows = asRows<T>(await this.#exchange(`fetch ${size} from lifeboat_rows\n;`));
      if (rows.length === 0) return;
      yield rows;
    }
  }

  /** Ends the connection in order; throws when psql did not end well. */
  async close(): Promise<void> {
    this.#psql.stdin.end();
    await this.#psql.finished;
  }

  /** Ends the connection at once. */
  kill(): void {
    this.#psql.kill();
  }

  #exchange(input: string): Promise<string[]> {
    const answer = this.#queue.then(() => this.#roundTrip(input));
    this.#queue = answer.catch(() => {});
    return answer;
  }

  /**
   * psql sets LAST_ERROR_SQLSTATE and LAST_ERROR_MESSAGE when a statement fails (psql, Variables). `\echo` writes a
   * variable as it is, without reading it; a text of the server's cannot look like the end, because it does not know the
   * mark.
   */
  async #roundTrip(input: string): Promise<string[]> {
    const mark = newMark();
    this.#psql.stdin.write(`\\set LAST_ERROR_SQLSTATE none\n${input}\n\\echo ${mark} :LAST_ERROR_SQLSTATE\n`);
    const { before, rest } = await readToMark(this.#psql, this.#lines, mark);
    if (rest === 'none') return before;
    throw new SqlError(rest, await this.#lastError());
  }

  async #lastError(): Promise<string> {
    const mark = newMark();
    // Nothing reads the variable again.
    this.#psql.stdin.write(`\\echo :LAST_ERROR_MESSAGE\n\\unset LAST_ERROR_MESSAGE\n\\echo ${mark} end\n`);
    return (await readToMark(this.#psql, this.#lines, mark)).before.join('\n');
  }
}

/** psql has the version from the connection's start: no statement is needed, which a user's function could answer. */
async function askVersion(psql: Tool, lines: AsyncIterator<string>): Promise<number> {
  const mark = newMark();
  psql.stdin.write(`\\echo ${mark} :SERVER_VERSION_NUM\n`);
  return Number((await readToMark(psql, lines, mark)).rest);
}

function newMark(): string {
  return `lifeboat-${randomBytes(16).toString('hex')}`;
}

/** The lines before the one that begins with the mark, and what follows it there. */
async function readToMark(psql: Tool, lines: AsyncIterator<string>, mark: string) {
  const before: string[] = [];
  for (;;) {
    const next = await lines.next();
    if (next.done) {
      await psql.finished;
      throw new ToolError('psql', 'psql ended before it had answered.', psql.stderr());
    }
    if (next.value.startsWith(mark)) return { before, rest: next.value.slice(mark.length + 1) };
    before.push(next.value);
  }
}

/** In SQL without a backslash, and with every text in closed quotes, psql finds nothing to obey. */
function withoutCommands(sql: string): string {
  if (/[\0\\]/.test(sql))
    throw new Error('A statement holds a backslash or a NUL, which psql would not pass on as it is.');
  return sql;
}

/**
 * The server decodes the statement, and psql sends what it decoded without reading it (psql, \gexec). The functions are
 * named with their schema, because such a session has the user's search_path.
 */
function decodedStatement(sql: string): string {
  const hex = Buffer.from(sql).toString('hex');
  return `select pg_catalog.convert_from(pg_catalog.decode('${hex}', 'hex'), 'UTF8') \\gexec`;
}

/** Each row as JSON, by column name. */
function asJson(sql: string): string {
  return `select pg_catalog.row_to_json(lifeboat_row)::pg_catalog.text from (\n${sql}\n) lifeboat_row`;
}

function asRows<T>(lines: string[]): T[] {
  try {
    return lines.map((line) => JSON.parse(line) as T);
  } catch (error) {
    throw new LifeboatError('The answer does not consist of the rows of one query', { cause: error });
  }
}

async function* splitLines(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      rest.push(chunk.subarray(start, end));
      yield Buffer.concat(rest).toString('utf8');
      rest = [];
      start = end + 1;
    }
    rest.push(chunk.subarray(start));
  }
}

/** `"name"`, for an identifier in SQL. */
export function quoteIdentifier(name: string): string {
  return quoteUnicode(name, '"');
}

/** `'text'`, for a string in SQL. */
export function quoteLiteral(text: string): string {
  return quoteUnicode(text, "'");
}

/**
 * A backslash goes as `!005c`, in the form with Unicode escapes and an escape character of its own (PostgreSQL, 4.1.2.3;
 * it needs standard_conforming_strings, which a session sets).
 */
function quoteUnicode(text: string, quote: '"' | "'"): string {
  if (text.includes('\0'))
    throw new LifeboatError(`${JSON.stringify(text)} holds a NUL, which PostgreSQL does not allow.`);
  const doubled = text.replaceAll(quote, quote + quote);
  if (!text.includes('\\')) return `${quote}${doubled}${quote}`;
  return ` U&${quote}${doubled.replaceAll('!', '!!').replaceAll('\\', '!005c')}${quote} uescape '!'`;
}
