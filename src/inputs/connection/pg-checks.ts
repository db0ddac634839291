import { LifeboatError } from '../../errors.ts';
import { hasControlCharacter, quote } from '../../text.ts';
import { joinWithOr } from '../values/words.ts';
import { ENCODE_HINT } from './database-url.ts';
import { ENVIRONMENT_NAMES } from './libpq-parameters.ts';
import { checkHosts } from './pg-hosts.ts';
import type { PgParameters } from './pg-parameters.ts';

const WORDS: [keyword: string, words: string[]][] = [
  ['sslmode', ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']],
  ['sslnegotiation', ['postgres', 'direct']],
  ['sslcertmode', ['disable', 'allow', 'require']],
  ['sslcompression', ['0', '1']],
  ['sslsni', ['0', '1']],
  ['channel_binding', ['disable', 'prefer', 'require']],
  ['gssencmode', ['disable', 'prefer', 'require']],
  ['gssdelegation', ['0', '1']],
  ['target_session_attrs', ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby']],
  ['load_balance_hosts', ['disable', 'random']],
  ['ssl_min_protocol_version', ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']],
  ['ssl_max_protocol_version', ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']],
];

/** With these libpq goes on in plain text when the server has no TLS, or never asks for it. */
export const WEAK_SSL = ['disable', 'allow', 'prefer'];

/**
 * Checks what libpq would find out later, or never, and says it in our own words: of what came out of a URL or a service
 * file nothing is shown. `uri`: the connection string was a URL.
 */
export function checkParameters(parameters: PgParameters, uri: boolean): void {
  const problems: string[] = [];
  const complain = (keyword: string, predicate: string) => {
    const misread = uri && parameters.origin(keyword) === 'database-url' && ['host', 'port'].includes(keyword);
    problems.push(`${parameterName(parameters, keyword)} ${predicate}${misread ? ` ${ENCODE_HINT}` : ''}`);
  };
  checkHosts(parameters, complain);
  for (const [keyword, words] of WORDS) {
    const value = parameters.value(keyword);
    if (value !== undefined && !words.includes(value)) complain(keyword, `is not known. Write ${joinWithOr(words)}.`);
  }
  if (!/^\d{1,9}$/.test(parameters.value('connect_timeout') ?? '0')) {
    complain('connect_timeout', 'is not a whole number of seconds. Write one, such as 30.');
  }
  checkSsl(parameters, complain);
  for (const keyword of parameters.keywords()) {
    // Names of databases and users may hold anything.
    if (keyword === 'dbname' || keyword === 'user') continue;
    if (hasControlCharacter(parameters.value(keyword) ?? '')) {
      complain(keyword, 'holds a line break or another control character. Remove it.');
    }
  }
  if (problems.length > 0) throw new LifeboatError(problems.join('\n'));
}

function parameterName(parameters: PgParameters, keyword: string): string {
  const name = ENVIRONMENT_NAMES.get(keyword) ?? keyword;
  switch (parameters.origin(keyword)) {
    case 'environment':
      return keyword === 'password'
        ? `${name} in the environment`
        : `${name}, ${quote(parameters.value(keyword) ?? '')} in the environment,`;
    case 'service':
      return `${keyword} of the service`;
    default:
      return `its ${keyword}`;
  }
}

function checkSsl(parameters: PgParameters, complain: (keyword: string, predicate: string) => void): void {
  const mode = parameters.value('sslmode');
  if (mode === undefined) return;
  if (parameters.value('sslrootcert') === 'system' && mode !== 'verify-full') {
    complain(
      'sslmode',
      'is too weak for sslrootcert=system, with which libpq requires verify-full. Write verify-full.',
    );
  }
  if (parameters.value('sslnegotiation') === 'direct' && WEAK_SSL.includes(mode)) {
    complain('sslmode', 'is too weak for sslnegotiation=direct. Write require or a stronger one.');
  }
  if (parameters.value('channel_binding') === 'require' && mode === 'disable') {
    complain('sslmode', 'contradicts channel_binding=require, which needs TLS. Change one of the two.');
  }
}
