import { expect, test } from '@jest/globals';
import { parseConnectionString } from '../../../../src/inputs/connection/database-url.ts';

function parse(text: string): Record<string, string> {
  return Object.fromEntries(parseConnectionString(text).parameters);
}

// Most are the examples of PostgreSQL's own documentation ("Connection URIs") and of its test libpq_uri_regress.
test.each<[string, Record<string, string>]>([
  ['postgresql://', {}],
  ['postgresql://localhost', { host: 'localhost' }],
  ['postgresql://localhost:5433', { host: 'localhost', port: '5433' }],
  ['postgresql://localhost/mydb', { host: 'localhost', dbname: 'mydb' }],
  ['postgresql://user@localhost', { host: 'localhost', user: 'user' }],
  ['postgres://user:secret@localhost/db', { host: 'localhost', user: 'user', password: 'secret', dbname: 'db' }],
  [
    'postgresql://other@localhost/otherdb?connect_timeout=10&sslmode=require',
    { host: 'localhost', user: 'other', dbname: 'otherdb', connect_timeout: '10', sslmode: 'require' },
  ],
  [
    'postgresql://host1:123,host2:456/somedb?target_session_attrs=any',
    { host: 'host1,host2', port: '123,456', dbname: 'somedb', target_session_attrs: 'any' },
  ],
  ['postgresql://host1,host2:456/db', { host: 'host1,host2', port: ',456', dbname: 'db' }],
  ['postgresql://u@/mydb?host=localhost&port=5433', { user: 'u', host: 'localhost', port: '5433', dbname: 'mydb' }],
  ['postgresql://[2001:db8::1234]/db', { host: '2001:db8::1234', dbname: 'db' }],
  ['postgresql://[::1]:12345,[::2]/db', { host: '::1,::2', port: '12345,', dbname: 'db' }],
  ['postgresql:///dbname?host=/var/lib/postgresql', { host: '/var/lib/postgresql', dbname: 'dbname' }],
  [
    'postgresql://%2Fvar%2Flib%2Fpostgresql:5433/dbname',
    { host: '/var/lib/postgresql', port: '5433', dbname: 'dbname' },
  ],
  ['postgresql://u:p%3A%40%2F%25%20%C3%A9@h/d', { user: 'u', password: 'p:@/% é', host: 'h', dbname: 'd' }],
  ['postgresql://u:a:b#c[d]@h/d', { user: 'u', password: 'a:b#c[d]', host: 'h', dbname: 'd' }],
  ['postgresql://u:p@h/a%3Db%20c', { user: 'u', password: 'p', host: 'h', dbname: 'a=b c' }],
  ['postgresql://h/postgresql://x', { host: 'h', dbname: 'postgresql://x' }],
  ['postgresql://h/a=b', { host: 'h', dbname: 'a=b' }],
  ['postgresql://h/db?ssl=true', { host: 'h', dbname: 'db', sslmode: 'require' }],
  ['postgresql://h/db?options=-c%20a%3Db', { host: 'h', dbname: 'db', options: '-c a=b' }],
  ['postgresql://h/a?dbname=b', { host: 'h', dbname: 'b' }],
  [
    'host=localhost port=5432 dbname=mydb connect_timeout=10',
    { host: 'localhost', port: '5432', dbname: 'mydb', connect_timeout: '10' },
  ],
  ["host = h dbname='a b' password='it\\'s \\\\'", { host: 'h', dbname: 'a b', password: "it's \\" }],
  ['host=h password=a\\ b\\\\c', { host: 'h', password: 'a b\\c' }],
  ["dbname='' host=h", { dbname: '', host: 'h' }],
  ['dbname=postgresql://x host=h', { dbname: 'postgresql://x', host: 'h' }],
  ["dbname='a=b'\thost=h\n", { dbname: 'a=b', host: 'h' }],
  ['dbname=a dbname=b', { dbname: 'b' }],
])('%s', (text, parameters) => {
  expect(parse(text)).toEqual(parameters);
});

test('parameters of other drivers are left out, with their names', () => {
  const { parameters, ignored } = parseConnectionString(
    'postgresql://u@h/db?schema=public&pgbouncer=true&connection_limit=1&sslmode=require&application_name=x',
  );
  expect([...ignored.keys()]).toEqual(['schema', 'pgbouncer', 'connection_limit', 'application_name']);
  expect(Object.fromEntries(parameters)).toEqual({ user: 'u', host: 'h', dbname: 'db', sslmode: 'require' });
});

test('whatever a user, password, host folder or name holds comes back, from both forms', () => {
  const random = generator(20261121);
  for (let round = 0; round < 500; round++) {
    const parameters = {
      user: `u${randomText(random)}`,
      password: `p${randomText(random)}`,
      host: `/${randomText(random)}`,
      dbname: `d${randomText(random)}`,
    };
    const { user, password, host, dbname } = parameters;
    const [u, p, h, d] = [user, password, host, dbname].map(encodeURIComponent);
    expect(parse(`postgresql://${u}:${p}@${h}/${d}`)).toEqual(parameters);
    const keywords = Object.entries(parameters).map(([name, value]) => `${name}='${value.replace(/[\\']/g, '\\$&')}'`);
    expect(parse(keywords.join(round % 2 ? ' ' : '\n'))).toEqual(parameters);
  }
});

const ALPHABET = [...'ab19:@/?#%&=+,;[]()\'"\\ \t\n$`|<>é€🔑'];

function randomText(random: () => number): string {
  return Array.from({ length: Math.floor(random() * 12) }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join(
    '',
  );
}

/** Mulberry32: the same numbers in each run, so that a failure can be had again. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
