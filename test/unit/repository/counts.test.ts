import { expect, test } from '@jest/globals';
import { LifeboatError } from '../../../src/errors.ts';
import { signDetached } from '../../../src/openpgp/sign.ts';
import { type Read, stateOf } from '../../../src/repository/counts.ts';
import { makeTestKeys } from '../../support/data/test-keys.ts';

/* The one rule: what counts is readable, not from the future, and signed when that is required. */

const NOW = new Date();
const MINUTE = 60_000;
const keys = await makeTestKeys();
const bytes = Buffer.from('what it says');
const good = await signDetached(bytes, keys.private, null);
const elsewhere = await signDetached(Buffer.from('something else'), keys.private, null);
const signed = keys.public;
const byAnother = keys.otherPublic;

function read(changed: Partial<Read<{ text: string }>> = {}): Read<{ text: string }> {
  return { bytes, signature: good, time: NOW, parse: (read) => ({ text: String(read) }), ...changed };
}

function refuse(): never {
  throw new LifeboatError('it names another backup');
}

const ahead = (minutes: number) => new Date(NOW.getTime() + minutes * MINUTE);

test.each<[string, Partial<Read<{ text: string }>>, string | null, object]>([
  ['signed by a key that is required', {}, signed, { kind: 'good', text: 'what it says', signer: expect.any(String) }],
  ['no key is required', { signature: null }, null, { kind: 'good', signer: null }],
  ['no key is required, and its signature is not good', { signature: elsewhere }, null, { kind: 'good' }],
  ['not signed', { signature: null }, signed, { kind: 'unsigned' }],
  ['no signature', { signature: 'x' }, signed, { kind: 'invalid', what: 'signature' }],
  ['the signature of other bytes', { signature: elsewhere }, signed, { kind: 'invalid', what: 'signature' }],
  ['signed by another key', {}, byAnother, { kind: 'invalid', what: 'signature' }],
  [
    'says something else inside',
    { parse: refuse },
    signed,
    { kind: 'invalid', what: 'content', why: /another backup/ },
  ],
  ['its clock is 59 minutes ahead', { time: ahead(59) }, signed, { kind: 'good' }],
  ['its clock is 61 minutes ahead', { time: ahead(61) }, signed, { kind: 'invalid', what: 'time' }],
  ['its time does not matter', { time: null }, signed, { kind: 'good' }],
])('%s', async (_, changed, verificationKeys, state) => {
  const { why, ...expected } = { why: /(?:)/, ...state };
  const found = await stateOf(read(changed), { verificationKeys, now: NOW });
  expect(found).toMatchObject(expected);
  expect('why' in found ? found.why : '').toMatch(why);
});

test('an error in Lifeboat is no state of a backup', async () => {
  const parse = () => {
    throw new TypeError('a bug');
  };
  await expect(stateOf(read({ parse }), { verificationKeys: null, now: NOW })).rejects.toThrow('a bug');
});
