import { describe, expect, test } from '@jest/globals';
import { readSettings } from '../../../src/app/read-settings.ts';
import { LifeboatError } from '../../../src/errors.ts';
import { badInputs, goodInputs } from '../../support/data/bad-inputs.ts';
import { RecordingLog } from '../../support/recording-log.ts';

test('the inputs that each case changes are good', async () => {
  const inputs: Record<string, string> = goodInputs;
  await expect(readSettings((name) => inputs[name] ?? '', {}, new RecordingLog())).resolves.toBeTruthy();
});

describe('bad input', () => {
  test.each(badInputs)('$title', async ({ inputs: changed, env = {}, says, hides = [] }) => {
    const inputs: Record<string, string> = { ...goodInputs, ...changed };
    const log = new RecordingLog();
    const error = await readSettings((name) => inputs[name] ?? '', env, log).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LifeboatError);
    const { message } = error as LifeboatError;
    for (const pattern of says) expect(message).toMatch(pattern);
    const shown = [message, ...log.notices, ...log.warnings].join('\n');
    for (const secret of hides) expect(shown).not.toContain(secret);
    // Nothing of what was given begins a line: each is ours, and names an input.
    for (const line of message.split('\n')) expect(line).toMatch(/^[a-z0-9-]+: ./);
  });

  test('the titles differ, so that a failure names its case', () => {
    expect(new Set(badInputs.map(({ title }) => title)).size).toBe(badInputs.length);
  });
});
