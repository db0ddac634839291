import { expect, test } from '@jest/globals';
import { maskSecrets, secretsOf } from '../../../src/inputs/secrets.ts';
import { KEY_PASSPHRASE, makeTestKeys } from '../../support/data/test-keys.ts';
import { RecordingLog } from '../../support/recording-log.ts';

const keys = await makeTestKeys();

function masksOf(inputs: Record<string, string>, env: Record<string, string> = {}): RecordingLog {
  const log = new RecordingLog();
  maskSecrets(
    secretsOf((name) => inputs[name] ?? '', env),
    log,
  );
  return log;
}

test('L2: the URL and its password, raw, decoded and encoded', () => {
  const url = 'postgresql://backup:p%40ss%2Fw0rd!@db/shop';
  expect(masksOf({ 'database-url': `${url}\n` }).masked).toEqual(
    [url, 'p%40ss%2Fw0rd!', 'p@ss/w0rd!', 'p%40ss%2Fw0rd!'].filter((text, index, all) => all.indexOf(text) === index),
  );
});

test.each([
  ['a password that was not encoded', 'postgresql://u:pa@ss/word@h/db', 'pa@ss/word'],
  ['a broken escape', 'postgresql://u:pa%ss@h/db', 'pa%ss'],
  ['another scheme', 'mysql://u:passw0rd@h/db', 'passw0rd'],
  ['a parameter', 'postgresql://h/db?user=u&password=pa%24word', 'pa$word'],
  ['a keyword', 'host=h password = passw0rd dbname=x', 'passw0rd'],
  ['a quoted keyword', "host=h password='it\\'s it' dbname=x", "it's it"],
  ['the password of a client key', 'host=h sslpassword=passw0rd', 'passw0rd'],
])('the password in a connection string: %s', (_, text, password) => {
  expect(masksOf({ 'database-url': text }).masked).toContain(password);
});

test('passwords in the URLs of stores and endpoints', () => {
  const { masked } = masksOf({
    store: 'file:///srv/a\ns3://KEY:s3cr/et@bucket/x',
    's3-endpoint': 'https://k:t0ken@minio',
  });
  expect(masked).toEqual(['s3cr/et', 's3cr%2Fet', 't0ken']);
});

test('passphrases, keys line by line, and secrets of the environment', () => {
  const { masked } = masksOf(
    {
      passphrase: 'correct horse\n',
      'signing-key': keys.locked.replaceAll('\n', '\\n'),
      'signing-key-passphrase': KEY_PASSPHRASE,
    },
    { PGPASSWORD: 'from the env', AWS_SECRET_ACCESS_KEY: 'aws/secret', AWS_SESSION_TOKEN: 'aws-session' },
  );
  expect(masked).toEqual(
    expect.arrayContaining(['correct horse', KEY_PASSPHRASE, 'from the env', 'aws/secret', 'aws-session']),
  );
  const body = keys.locked.split('\n').filter((line) => /^[A-Za-z0-9+/]{60}/.test(line));
  expect(body.length).toBeGreaterThan(5);
  expect(masked).toEqual(expect.arrayContaining(body));
  expect(masked).not.toContain('-----BEGIN PGP PRIVATE KEY BLOCK-----');
});

test('masks a private key in the place of a certificate, and no certificate', () => {
  expect(masksOf({ 'public-key': keys.public }).masked).toEqual([]);
  expect(masksOf({ 'public-key': keys.private }).masked.length).toBeGreaterThan(5);
});

test('L3: a secret of three characters is not masked, but warned of, once', () => {
  const { masked, warnings } = masksOf({ 'database-url': 'postgresql://u:abc@h/db' });
  expect(masked).toEqual(['postgresql://u:abc@h/db']);
  expect(warnings).toEqual([expect.stringMatching(/^database-url: a password of fewer than 4 characters/)]);
});

test('nothing given, nothing masked', () => {
  expect(masksOf({})).toMatchObject({ masked: [], warnings: [] });
});
