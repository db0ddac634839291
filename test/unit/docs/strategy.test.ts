import { describe, expect, test } from '@jest/globals';
import { commandInputs } from '../../../src/commands/index.ts';
import type { Schema } from '../../../src/inputs/schema.ts';
import { faultsOfReferences, tableRows } from './references.ts';

const inputs = Object.keys(Object.assign({}, ...Object.values<Schema>(commandInputs)));

const rows = tableRows('docs/strategy.md').filter(([first = '']) => !['wish', '---'].includes(first));

test('the usual wishes have their rows', () => {
  for (const input of [
    'keep-daily',
    'keep-weekly',
    'keep-monthly',
    'keep-yearly',
    'max-age',
    'max-shrink',
    'min-free-space',
  ]) {
    expect(rows.filter(([, cell]) => cell?.includes(`\`${input}\``)).length).toBeGreaterThan(0);
  }
});

describe('the row', () => {
  test.each(rows.map((cells) => [cells[0] ?? '', cells] as const))('%s', (_, [, input = '', shownBy = '', ...more]) => {
    expect(more).toEqual([]);
    expect(faultsOfReferences(shownBy)).toEqual([]);
    if (shownBy.startsWith('not in this version')) return;
    const named = [...input.matchAll(/`([a-z0-9-]+)`/g)].map(([, name = '']) => name);
    const words = [...inputs, ...Object.keys(commandInputs)];
    expect(named.filter((name) => !words.includes(name))).toEqual([]);
    expect(named.length > 0 || input.startsWith('none: ')).toBe(true);
  });
});
