import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import ts from 'typescript';

/* Rule 7 of the layout: a function has at most 4 parameters; what needs more takes one context object. */
const SOURCES = join(import.meta.dirname, '..', '..', '..', 'src');
const MOST = 4;

/** Each function, method, arrow function or type of one with more parameters: `file:line name, count`. */
function longParameterLists(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && node.parameters.length > MOST) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      found.push(`${file}:${line + 1} ${node.name?.getText() ?? 'function'}, ${node.parameters.length} parameters`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test('no function of src/ has more than 4 parameters', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(300);
  expect(files.flatMap((file) => longParameterLists(file, readFileSync(join(SOURCES, file), 'utf8')))).toEqual([]);
});

test.each([
  ['function many(a: 1, b: 2, c: 3, d: 4, e: 5) {}', 'planted.ts:1 many, 5 parameters'],
  ['class Planted {\n  many(a = 1, b = 2, c = 3, d = 4, ...e: number[]) {}\n}', 'planted.ts:2 many, 5 parameters'],
  ['export const many = (a, b, c, d, { e }) => a;', 'planted.ts:1 function, 5 parameters'],
  ['interface Planted { many(a: 1, b: 2, c: 3, d: 4, e: 5): void }', 'planted.ts:1 many, 5 parameters'],
])('the check finds what is planted: %j', (text, problem) => {
  expect(longParameterLists('planted.ts', text)).toEqual([problem]);
});

test('four parameters, and an object of many fields, are found good', () => {
  const text = 'function few(a: 1, b: 2, c: 3, { d, e, f }: { d: 4; e: 5; f: 6 }) {}';
  expect(longParameterLists('planted.ts', text)).toEqual([]);
});
