import { beforeAll, describe, expect, test } from '@jest/globals';
import { namedCommand } from '../../src/app/read-settings.ts';
import type { ActionResult } from '../support/action/harness.ts';
import { errorsOf, runBackup } from '../support/action/run-backup.ts';
import { filesBelow, newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type BadInput, badInputs, goodInputs } from '../support/data/bad-inputs.ts';
import { type FakeTools, recordingTools } from '../support/servers/fake-tools.ts';

/* The same table as in test/unit/inputs, but as a user meets it: nothing has been touched when the error comes. */

/** So many runs at a time: most of a run's time is the start of Node, and of reading it from the disk. */
const AT_ONCE = 4;

interface Outcome {
  result: ActionResult;
  store: StoreFolder;
  /** Every connection is made by one of PostgreSQL's clients. */
  tools: FakeTools;
}

async function run({ inputs, env = {} }: Pick<BadInput, 'inputs' | 'env'>): Promise<Outcome> {
  const store = newStoreFolder();
  const tools = recordingTools();
  const all = { ...goodInputs, store: store.url, ...inputs };
  return { result: await runBackup(all, { env: { ...env, PATH: tools.path } }), store, tools };
}

const outcomes = new Map<BadInput, Outcome>();

beforeAll(async () => {
  const left = [...badInputs];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      outcomes.set(next, await run(next));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
});

test('the inputs that each case changes are good: a connection is tried, and an error of it is told', async () => {
  const { result, tools } = await run({ inputs: {} });
  expect(errorsOf(result)).toEqual([
    expect.objectContaining({
      message: expect.stringMatching(/^Cannot connect to database "shop".*Connection refused/s),
    }),
  ]);
  expect(tools.calls().map(({ tool }) => tool)).toContain('psql');
});

describe('bad input ends with one error that names it, before anything is touched', () => {
  test('at least 40 cases', () => {
    expect(badInputs.length).toBeGreaterThan(40);
  });

  test.each(badInputs)('$title', (bad) => {
    const { result, store, tools } = outcomes.get(bad) as Outcome;
    expect(result).toMatchObject({ exitCode: 1, signal: null, outputs: {}, exportedEnv: {} });
    const [error, ...more] = errorsOf(result);
    expect(more).toEqual([]);
    expect(error?.title).toBe(`Lifeboat: ${namedCommand(bad.inputs.command ?? '').name} failed`);
    for (const pattern of bad.says) expect(error?.message).toMatch(pattern);
    expect(result.summary).toMatch(/^## ❌/);

    expect(filesBelow(store.path)).toEqual([]);
    expect(tools.calls()).toEqual([]);

    const shown = [result.stdout.replace(/^::add-mask::.*$/gm, ''), result.stderr, result.summary].join('\n');
    for (const secret of bad.hides ?? []) expect(shown).not.toContain(secret);
    expect(result.log).not.toMatch(/^\s+at .*:\d+:\d+|inside of Lifeboat/m);
  });
});
