import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import type { RestoreTestReport } from '../../../src/commands/restore-test/report.ts';
import type { Finding } from '../../../src/formats/restore-test/finding.ts';
import type { ActionInputs, ActionOptions, ActionResult } from './harness.ts';
import { errorsOf, PASSPHRASE, runBackup } from './run-backup.ts';
import type { StoreFolder } from './stored-backup.ts';

/** A run that came to a verdict. */
export interface TestedBackup extends ActionResult {
  /** The JSON report. */
  report: RestoreTestReport;
}

/** Runs a restore test as the runner does; opens the backup with the tests' passphrase unless the inputs say otherwise. */
export async function runRestoreTest(
  store: StoreFolder,
  inputs: ActionInputs = {},
  options: ActionOptions = {},
): Promise<TestedBackup> {
  const opener: ActionInputs = inputs['private-key'] === undefined ? { passphrase: PASSPHRASE } : {};
  const result = await runBackup({ command: 'restore-test', store: store.url, ...opener, ...inputs }, options);
  if (result.outputs.report === undefined) throw new Error(`it came to no verdict:\n${result.stdout}`);
  return { ...result, report: JSON.parse(readFileSync(result.outputs.report, 'utf8')) as RestoreTestReport };
}

export function expectProven(result: TestedBackup): void {
  expect(errorsOf(result)).toEqual([]);
  expect(result.report.findings).toEqual([]);
  expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'proven' } });
}

/** Red, with one annotation. Returns what was found first, which the annotation and the summary must tell too. */
export function expectFailed(result: TestedBackup): Finding {
  expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'failed' } });
  const [first] = result.report.findings;
  if (first === undefined) throw new Error('failed, and nothing was found');
  expect(errorsOf(result)).toEqual([
    { kind: 'error', title: 'Lifeboat: restore test failed', message: expect.stringContaining(first.object) },
  ]);
  expect(result.summary).toMatch(/^## ❌ Failed/);
  return first;
}
