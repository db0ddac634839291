import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readPage } from '../../../scripts/docs/page.ts';

/* Every workflow that a reader may copy names the same keys, so that any two of them fit together. */
const REPOSITORY = join(import.meta.dirname, '..', '..', '..');

type Inputs = Record<string, string>;

interface Step {
  /** Such as `docs/restore.md:25`. */
  at: string;
  inputs: Inputs;
}

const secret = (name: string) => `\${{ secrets.${name} }}`;
const variable = (name: string) => `\${{ vars.${name} }}`;

const ENCRYPT = { 'public-key': variable('BACKUP_PUBLIC_KEY') };
const DECRYPT = locked('private-key', 'BACKUP_PRIVATE_KEY', 'BACKUP_PRIVATE_KEY_PASSPHRASE');
const DECRYPT_BY_ESCROW = locked('private-key', 'ESCROW_PRIVATE_KEY', 'ESCROW_PASSPHRASE');
const VERIFY = { 'verification-key': variable('BACKUP_VERIFICATION_KEY') };
const SIGN_BACKUP = locked('signing-key', 'BACKUP_SIGNING_KEY', 'BACKUP_SIGNING_KEY_PASSPHRASE');
const SIGN_RECORD = locked('signing-key', 'RECORD_SIGNING_KEY', 'RECORD_SIGNING_KEY_PASSPHRASE');

function locked(input: string, key: string, passphrase: string): Inputs {
  return { [input]: secret(key), [`${input}-passphrase`]: secret(passphrase) };
}

/** Its credentials only read, so it keeps no record. */
const WITHOUT_RECORD = 'examples/pull-request-check.yml';

/** The inputs for keys that the plan of docs/keys.md gives a step. */
function keysOfPlan({ at, inputs }: Step): Inputs {
  switch (inputs.command ?? 'backup') {
    case 'backup':
      if (inputs['database-url'] === undefined) return {}; // Shows how a store is reached, and nothing else.
      return { ...ENCRYPT, ...SIGN_BACKUP, ...(deletes(inputs) || 'verification-key' in inputs ? VERIFY : {}) };
    case 'restore-test': {
      const decrypt = inputs['private-key']?.includes('ESCROW') ? DECRYPT_BY_ESCROW : DECRYPT;
      return { ...decrypt, ...VERIFY, ...(at.startsWith(WITHOUT_RECORD) ? {} : SIGN_RECORD) };
    }
    case 'restore':
      return { ...DECRYPT, ...VERIFY };
    case 'check':
      return { ...VERIFY, ...('public-key' in inputs ? ENCRYPT : {}), ...('private-key' in inputs ? DECRYPT : {}) };
    case 'prune':
      return { ...VERIFY, ...SIGN_RECORD };
    default:
      return 'verification-key' in inputs ? VERIFY : {};
  }
}

function deletes(inputs: Inputs): boolean {
  return Object.keys(inputs).some((name) => name.startsWith('keep-'));
}

function keysIn(inputs: Inputs): Inputs {
  const ofKeys = /^(?:(?:private|signing)-key(?:-passphrase)?|public-key|verification-key)$/;
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => ofKeys.test(name)));
}

function stepsIn(value: unknown, at: string): Step[] {
  if (typeof value !== 'object' || value === null) return [];
  const { uses, with: inputs } = value as { uses?: unknown; with?: Inputs };
  const own = typeof uses === 'string' && uses.startsWith('OWNER/lifeboat@') ? [{ at, inputs: inputs ?? {} }] : [];
  return [...own, ...Object.values(value).flatMap((inner) => stepsIn(inner, at))];
}

function stepsOfPage(file: string): Step[] {
  const { snippets } = readPage(join(REPOSITORY, file));
  return snippets
    .filter(({ language }) => language === 'yaml')
    .flatMap(({ text, line }) => stepsIn(parse(text), `${file}:${line}`));
}

const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: REPOSITORY })];
const examples = globSync('examples/*.yml', { cwd: REPOSITORY });
const steps = [
  ...pages.flatMap(stepsOfPage),
  ...examples.flatMap((file) => stepsIn(parse(readFileSync(join(REPOSITORY, file), 'utf8')), file)),
].filter(({ inputs }) => inputs.passphrase === undefined); // A passphrase takes the place of every key.

describe('the keys of a step that a reader may copy are those of the plan', () => {
  test.each(steps.map((step) => [step.at, step.inputs.command ?? 'backup', step] as const))('%s: %s', (_, __, step) => {
    expect(keysIn(step.inputs)).toEqual(keysOfPlan(step));
  });
});

test('docs/keys.md names every secret and variable of the plan', () => {
  const plan = [ENCRYPT, DECRYPT, DECRYPT_BY_ESCROW, VERIFY, SIGN_BACKUP, SIGN_RECORD];
  const names = plan
    .flatMap((inputs) => Object.values(inputs))
    .map((value) => value.replace(/^\W*\w+\.(\w+).*$/, '$1'));
  const rows = readFileSync(join(REPOSITORY, 'docs', 'keys.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(names.filter((name) => !rows.some((row) => row.includes(`\`${name}\``)))).toEqual([]);
});
