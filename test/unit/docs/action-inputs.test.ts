import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { withDeclaredInputs } from '../../../scripts/docs/action-inputs.ts';
import { INPUTS, type InputDeclaration } from '../../../src/inputs/declarations.ts';

const BEFORE = 'name: Lifeboat\n\ninputs:\n';
const AFTER = '\n\noutputs:\n  id:\n    description: The id.\n';

test('action.yml says of each input what is declared, in the same order', () => {
  const inputs = Object.entries<InputDeclaration>(INPUTS);
  const declared = inputs.map(([name, { help, default: text }]) => [name, { description: help, default: text }]);
  expect(Object.entries(parse(readFileSync('action.yml', 'utf8')).inputs)).toEqual(declared);
});

test('only the inputs of action.yml are generated', () => {
  const text = withDeclaredInputs(`${BEFORE}  old:\n    description: An input that was removed.${AFTER}`);
  expect(text.startsWith(`${BEFORE}  command:\n`)).toBe(true);
  expect(text.endsWith(AFTER)).toBe(true);
  expect(text).not.toContain('old:');
  expect(withDeclaredInputs(text)).toBe(text);
});

test('a line of action.yml has at most 120 characters', () => {
  const lines = withDeclaredInputs(`${BEFORE}${AFTER}`).split('\n');
  expect(lines.filter((line) => line.length > 120)).toEqual([]);
});

test('an action.yml without the section is an error', () => {
  expect(() => withDeclaredInputs('name: Lifeboat\n')).toThrow(/must have inputs:/);
});
