import { readFileSync } from 'node:fs';
import type { PlacedResult } from '../../../src/commands/check/report.ts';
import { type CheckReport, resultsOf } from '../../../src/commands/check/report.ts';
import type { ActionInputs, ActionOptions, ActionResult } from './harness.ts';
import { runBackup } from './run-backup.ts';

/** A check that has come to a result. */
export interface Checked extends ActionResult {
  /** The JSON report. */
  report: CheckReport;
  results: PlacedResult[];
}

/** Runs a check of these stores as the runner does. */
export async function runCheck(
  urls: string[],
  inputs: ActionInputs = {},
  options: ActionOptions = {},
): Promise<Checked> {
  const result = await runBackup({ command: 'check', store: urls.join('\n'), ...inputs }, options);
  if (result.outputs.report === undefined) throw new Error(`it came to no result:\n${result.stdout}`);
  const report = JSON.parse(readFileSync(result.outputs.report, 'utf8')) as CheckReport;
  return { ...result, report, results: resultsOf(report.stores) };
}

/** What a rule found, in the only set of the only store. */
export function ruleOf({ results }: Checked, rule: string): PlacedResult {
  const [found, ...others] = results.filter((result) => result.rule === rule);
  if (found === undefined || others.length > 0) throw new Error(`${others.length + 1} results of ${rule}`);
  return found;
}

/** The rules that are not as they should be, by name. */
export function wrongRules({ results }: Checked): string[] {
  return results.filter(({ status }) => status !== 'passed' && status !== 'off').map(({ rule }) => rule);
}
