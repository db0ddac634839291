import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { commandInputs } from '../../../src/commands/index.ts';
import type { Schema } from '../../../src/inputs/schema.ts';

interface ActionYml {
  name: string;
  inputs: Record<string, { description: string; default: unknown; required?: boolean }>;
  outputs: Record<string, { description: string }>;
  runs: Record<string, string>;
}

const action = parse(readFileSync('action.yml', 'utf8')) as ActionYml;

test('action.yml has the inputs that the code reads, with the same defaults, as strings', () => {
  const documented = Object.entries(action.inputs).map(([name, input]) => [name, input.default]);
  const all: Schema = Object.assign({}, ...Object.values(commandInputs).reverse());
  const read = Object.entries(all).map(([name, input]) => [name, input.default]);
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(read));
});

test('an input means the same to every command that has it', () => {
  const defaults = new Map<string, string>();
  for (const schema of Object.values<Schema>(commandInputs)) {
    for (const [name, input] of Object.entries(schema)) {
      expect([name, input.default]).toEqual([name, defaults.get(name) ?? input.default]);
      defaults.set(name, input.default);
    }
  }
});

test('each input and output is described for people', () => {
  for (const { description } of [...Object.values(action.inputs), ...Object.values(action.outputs)]) {
    expect(description.length).toBeGreaterThan(20);
  }
});

test('outputs and entry points', () => {
  expect(Object.keys(action.outputs)).toEqual([
    'id',
    'location',
    'manifest',
    'size',
    'database-size',
    'tables',
    'rows',
    'duration',
    'verdict',
    'restored-url',
    'restore-time',
    'backups',
    'deleted',
    'report',
  ]);
  expect(action.runs).toEqual({ using: 'node24', main: 'dist/index.js', post: 'dist/post/index.js' });
});
