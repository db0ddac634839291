import type { DatabaseFacts } from '../../formats/inventory/inventory.ts';
import { quoteIdentifier, quoteLiteral, type Session, SqlError } from '../session/session.ts';
import { setClause, tryStatement } from './roles.ts';

/**
 * Makes an empty database with the source's encoding, collation and provider. A locale that this server does not have is
 * replaced by C. Returns in words what could not be made.
 */
export async function createDatabase(
  session: Session,
  name: string,
  facts: DatabaseFacts,
  versionNumber: number,
): Promise<string[]> {
  const create = `create database ${quoteIdentifier(name)} template template0 encoding ${quoteLiteral(facts.encoding)}`;
  try {
    await session.run(`${create} ${localeClause(facts, versionNumber)}`);
    return [];
  } catch (error) {
    if (!(error instanceof SqlError) || !/locale|collation|provider|icu|encoding/i.test(error.message)) throw error;
    await session.run(`${create} lc_collate 'C' lc_ctype 'C'`);
    return [`The source's collation (${describeLocale(facts)}) is not available here, C was used: ${error.message}`];
  }
}

/** The words of CREATE DATABASE: providers since PostgreSQL 15, rules since 16, `builtin` since 17. */
function localeClause(facts: DatabaseFacts, versionNumber: number): string {
  const classic = `lc_collate ${quoteLiteral(facts.collate)} lc_ctype ${quoteLiteral(facts.ctype)}`;
  if (versionNumber < 150000 || facts.provider === 'libc') return classic;
  const locale = quoteLiteral(facts.locale ?? '');
  if (facts.provider === 'builtin') return `${classic} locale_provider builtin builtin_locale ${locale}`;
  const rules = facts.icuRules === null ? '' : ` icu_rules ${quoteLiteral(facts.icuRules)}`;
  return `${classic} locale_provider icu icu_locale ${locale}${rules}`;
}

function describeLocale({ provider, locale, collate, ctype }: DatabaseFacts): string {
  return `${provider} ${locale ?? `${collate}, ${ctype}`}`;
}

/**
 * What CREATE DATABASE and the dump leave out: owner, grants, comment, connection limit and settings. To be called when
 * the data is loaded, because a setting such as default_transaction_read_only would stop a restore. Returns in words what the
 * server refused.
 */
export async function applyDatabaseFacts(session: Session, name: string, facts: DatabaseFacts): Promise<string[]> {
  const database = quoteIdentifier(name);
  const statements = [
    `alter database ${database} owner to ${quoteIdentifier(facts.owner)}`,
    `alter database ${database} connection limit ${Math.trunc(facts.connectionLimit)}`,
    ...(facts.comment === null ? [] : [`comment on database ${database} is ${quoteLiteral(facts.comment)}`]),
    ...facts.settings.flatMap(({ role, settings }) =>
      settings.map((setting) =>
        role === null
          ? `alter database ${database} ${setClause(setting)}`
          : `alter role ${quoteIdentifier(role)} in database ${database} ${setClause(setting)}`,
      ),
    ),
    ...grantStatements(database, facts),
  ];
  const refusals: string[] = [];
  for (const statement of statements) refusals.push(...(await tryStatement(session, statement, 'the database')));
  return refusals;
}

const PRIVILEGES: Record<string, string> = { C: 'CREATE', T: 'TEMPORARY', c: 'CONNECT' };

interface Grant {
  /** Empty: PUBLIC. */
  grantee: string;
  grantor: string;
  /** `*` behind a letter: with grant option. */
  letters: string;
}

function grantStatements(database: string, { acl, owner }: DatabaseFacts): string[] {
  if (acl === null) return [];
  return [
    `revoke all on database ${database} from public, ${quoteIdentifier(owner)}`,
    ...inOrder(acl.flatMap(parseAclItem), owner).flatMap(({ grantee, grantor, letters }) => {
      const to = grantee === '' ? 'public' : quoteIdentifier(grantee);
      return [...letters.matchAll(/([CTc])(\*?)/g)].map(([, letter = '', option]) => {
        const withOption = option === '*' ? ' with grant option' : '';
        const grant = `grant ${PRIVILEGES[letter]} on database ${database} to ${to}${withOption}`;
        return grantor === owner ? grant : asRole(grantor, grant);
      });
    }),
  ];
}

/** `grantee=CTc/grantor`, as aclitem writes it, names in quotes where they need it (PostgreSQL, 5.8 Privileges). */
function parseAclItem(item: string): Grant[] {
  const match = /^(?:"((?:[^"]|"")*)"|([^"=]*))=([CTc*]*)\/(?:"((?:[^"]|"")*)"|([^"]*))$/.exec(item);
  if (!match) return [];
  const [, quotedGrantee, grantee = '', letters = '', quotedGrantor, grantor = ''] = match;
  const plain = (quoted: string | undefined, bare: string) => quoted?.replaceAll('""', '"') ?? bare;
  return [{ grantee: plain(quotedGrantee, grantee), grantor: plain(quotedGrantor, grantor), letters }];
}

/** Who was given a privilege can give it to others, not before. */
function inOrder(grants: Grant[], owner: string): Grant[] {
  const ordered: Grant[] = [];
  let left = grants;
  for (let able = [owner]; able.length > 0; ) {
    const now = left.filter(({ grantor }) => able.includes(grantor));
    left = left.filter((grant) => !now.includes(grant));
    ordered.push(...now);
    able = now.map(({ grantee }) => grantee);
  }
  return [...ordered, ...left];
}

/** GRANTED BY takes nobody but the current user (GRANT, Notes). The role is left when the statement ends. */
function asRole(role: string, statement: string): string {
  return `do ${quoteLiteral(`begin set local role ${quoteIdentifier(role)}; ${statement}; end`)}`;
}

export async function dropDatabase(session: Session, name: string): Promise<void> {
  await session.run(`drop database if exists ${quoteIdentifier(name)} with (force)`);
}
