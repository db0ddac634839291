import { describe, expect, test } from '@jest/globals';
import { commandInputs } from '../../../src/commands/index.ts';
import { INPUTS, type InputDeclaration, type InputName, type Secrecy } from '../../../src/inputs/declarations.ts';
import { optional, type Schema, schemaOf } from '../../../src/inputs/schema.ts';
import { holdsSecret, secretsOf } from '../../../src/inputs/secrets.ts';
import { oneOf, parseBoolean } from '../../../src/inputs/values/words.ts';

/* What must not compile has a `@ts-expect-error`: `npm run check` fails when it compiles. */

const declared = Object.entries<InputDeclaration>(INPUTS) as [InputName, InputDeclaration][];

function textsOf(inputs: Partial<Record<InputName, string>>): string[] {
  return secretsOf((name) => inputs[name as InputName] ?? '', {}).map(({ text }) => text);
}

test('an input that does not say whether it is secret does not compile', () => {
  const inputs = {
    // @ts-expect-error `secret` is required.
    'api-token': { default: '', help: 'The token of a service.' },
  } satisfies Record<string, InputDeclaration>;
  expect(inputs['api-token']).not.toHaveProperty('secret');
});

test('a command cannot have an input that is not declared', () => {
  // @ts-expect-error `api-token` is not declared.
  const schema = schemaOf({ command: oneOf('list'), 'api-token': optional(parseBoolean) });
  expect(schema).not.toHaveProperty('api-token.default');
});

test('every declared input belongs to a command', () => {
  const read = new Set(Object.values<Schema>(commandInputs).flatMap((schema) => Object.keys(schema)));
  expect(declared.map(([name]) => name).filter((name) => !read.has(name))).toEqual([]);
});

describe('a secret of each kind', () => {
  const url = 'postgresql://user:pass-word@db/shop';
  const key = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----';
  const samples: Record<Secrecy, { text: string; masked: string[]; shown: string | null }> = {
    none: { text: url, masked: [], shown: url },
    whole: { text: 'correct horse', masked: ['correct horse'], shown: null },
    'whole-url': { text: url, masked: [url, 'pass-word'], shown: null },
    'connection-string': { text: url, masked: [url, 'pass-word'], shown: 'postgresql://user@db/shop' },
    'password-in-url': { text: url, masked: ['pass-word'], shown: 'postgresql://user@db/shop' },
    'if-private-key': { text: key, masked: ['MIIEvQIBADANBgkq'], shown: 'ssh-ed25519 AAAAC3Nz' },
  };

  test.each(declared)('%s is masked, and refused as a flag', (name, { secret }) => {
    const { text, masked, shown } = samples[secret];
    expect(textsOf({ [name]: text })).toEqual(expect.arrayContaining(masked));
    expect(textsOf({ [name]: text }).some(Boolean)).toBe(secret !== 'none');
    expect(holdsSecret(name, text)).toBe(secret !== 'none');
    if (shown !== null) expect(holdsSecret(name, shown)).toBe(false);
  });
});
