import { randomBytes } from 'node:crypto';
import { LifeboatError } from '../errors.ts';
import { startTool, type Tool, ToolError } from '../stream/child.ts';
import { connectingTool, type Server, type SessionRole } from './connection.ts';
import { connectionError } from './errors.ts';

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
 */
export class Session {
  readonly #psql: Tool;
  readonly #lines: AsyncIterator<string>;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(psql: Tool) {
    this.#psql = psql;
    // Lines end with \n only: \r, U+2028 and their like can stand in names. JSON escapes \n.
    this.#lines = splitLines(psql.stdout);
  }

  /**
   * Connects; throws a clear error when the server cannot be reached or refuses. It sets nothing for the whole session,
   * for behind a transaction pooler that would change the connections of others: use SET LOCAL.
   */
  static async open(server: Server, role: SessionRole): Promise<Session> {
    const args = ['--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--no-password', '--set=VERBOSITY=terse'];
    const spec = connectingTool(server, 'psql', role, args);
    const env = { ...spec.env, PGCLIENTENCODING: 'UTF8' };
    // What psql says on standard error comes back as an SqlError; the log would only show it twice.
    const { signal, track } = server.context;
    const session = new Session(startTool({ ...spec, env }, { signal, track }));
    try {
      await session.query('select 1');
      return session;
    } catch (error) {
      session.kill();
      throw error instanceof ToolError ? connectionError(error, server.connection) : error;
    }
  }

  /** Runs a statement that gives no rows. Throws a {@link SqlError}. */
  async run(sql: string): Promise<void> {
    await this.#exchange(sql);
  }

  /** Runs a query; each row is an object by column name. bigint and numeric beyond 2^53 must be cast to text. */
  async query<T>(sql: string): Promise<T[]> {
    const lines = await this.#exchange(asJson(sql));
    return lines.map((line) => JSON.parse(line) as T);
  }

  /** Runs a query whose rows may be more than fit into memory, so many at a time; in a transaction that is begun. */
  async *batches<T>(sql: string, size: number): AsyncGenerator<T[]> {
    await this.run(`declare lifeboat_rows no scroll cursor for ${asJson(sql)}`);
    for (;;) {
      const lines = await this.#exchange(`fetch ${size} from lifeboat_rows`);
      if (lines.length === 0) return;
      yield lines.map((line) => JSON.parse(line) as T);
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

  #exchange(sql: string): Promise<string[]> {
    const answer = this.#queue.then(() => this.#ask(sql));
    this.#queue = answer.catch(() => {});
    return answer;
  }

  /** psql sets SQLSTATE and LAST_ERROR_MESSAGE after each statement (psql, Variables). */
  async #ask(sql: string): Promise<string[]> {
    const mark = `lifeboat-${randomBytes(8).toString('hex')}`;
    this.#psql.stdin.write(`${sql}\n;\n\\echo ${mark} :SQLSTATE\n`);
    const rows: string[] = [];
    for (;;) {
      const line = await this.#nextLine();
      if (!line.startsWith(mark)) {
        rows.push(line);
        continue;
      }
      const sqlstate = line.slice(mark.length + 1);
      if (sqlstate === '00000') return rows;
      throw new SqlError(sqlstate, await this.#lastError(mark));
    }
  }

  async #lastError(mark: string): Promise<string> {
    this.#psql.stdin.write(`\\echo :LAST_ERROR_MESSAGE\n\\echo ${mark} end\n`);
    const message: string[] = [];
    for (;;) {
      const line = await this.#nextLine();
      if (line === `${mark} end`) return message.join('\n');
      message.push(line);
    }
  }

  async #nextLine(): Promise<string> {
    const next = await this.#lines.next();
    if (!next.done) return next.value;
    await this.#psql.finished;
    throw new ToolError('psql', 'psql ended before it had answered.', this.#psql.stderr());
  }
}

/** Each row as JSON, by column name. */
function asJson(sql: string): string {
  return `select row_to_json(lifeboat_row)::text from (\n${sql}\n) lifeboat_row`;
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
  return `"${name.replaceAll('"', '""')}"`;
}

/** `'text'`, for a string in SQL, whatever standard_conforming_strings says. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? ` E${quoted}` : quoted;
}
