import { LifeboatError } from '../../errors.ts';
import type { ToolError } from '../../process/child.ts';

/** What a failed connection means and what to do, by libpq's and the server's words. */
const CAUSES: { words: RegExp; next: string }[] = [
  {
    words: /password authentication failed|no password supplied|fe_sendauth/,
    next: 'The server refused the password. Check the user and the password in database-url (percent-encoded there) or PGUSER and PGPASSWORD.',
  },
  {
    words: /database ".*" does not exist/s,
    next: "Check the database's name in database-url or PGDATABASE.",
  },
  { words: /role ".*" does not exist/s, next: 'Check the user in database-url or PGUSER.' },
  { words: /no pg_hba\.conf entry/, next: "Allow this machine, user and database in the server's pg_hba.conf." },
  {
    words: /server does not support SSL/,
    next: 'The connection must be encrypted because the host is not local. Switch TLS on at the server, or, on a network that you trust, say sslmode=disable in database-url.',
  },
  {
    words: /certificate verify failed|root certificate file|does not match host name/,
    next: "Check sslrootcert and the host's name in database-url.",
  },
  {
    words:
      /Connection refused|No such file or directory|could not translate host name|No route to host|timeout expired/,
    next: 'Check that the server runs, and host and port in database-url or PGHOST and PGPORT.',
  },
  {
    words: /too many clients|remaining connection slots/,
    next: 'The server has no free connection. Lifeboat needs up to four; raise max_connections or run at a quieter time.',
  },
  { words: /starting up|shutting down|in recovery mode/, next: 'Run again when the server accepts connections.' },
];

/** A login event trigger of the database (PostgreSQL 17) has refused the connection. */
export class LoginTriggerRefused extends LifeboatError {
  override readonly name = 'LoginTriggerRefused';
}

/** What a function that failed while the connection began is called: nothing else of a user's runs then. */
const LOGIN_FUNCTION = /CONTEXT: +(?:PL\/\w+|SQL) function ("?.*?"?\(\))/;

/** A connection that could not be made, in words a person can act on. */
export function connectionError(error: ToolError, connection: Record<string, string>): LifeboatError {
  const where = connection.PGHOST ?? connection.PGHOSTADDR ?? 'the default socket';
  const port = connection.PGPORT === undefined ? '' : ` port ${connection.PGPORT}`;
  const trigger = LOGIN_FUNCTION.exec(error.stderr)?.[1];
  if (trigger !== undefined) {
    return new LoginTriggerRefused(
      `Cannot connect to database ${JSON.stringify(connection.PGDATABASE ?? '')} at ${where}${port}: the function ${trigger} of a login event trigger refused: ${error.stderr} Change the function so that it lets this role pass, or connect as a superuser, for whom Lifeboat switches event triggers off.`,
      { cause: error },
    );
  }
  const cause = CAUSES.find(({ words }) => words.test(error.stderr));
  const next = cause?.next ?? 'Check database-url or the PG* variables.';
  const reported = error.stderr.replace(/^psql: error: /, '');
  return new LifeboatError(
    `Cannot connect to database ${JSON.stringify(connection.PGDATABASE ?? '')} at ${where}${port}: ${reported || error.message} ${next}`,
    { cause: error },
  );
}
