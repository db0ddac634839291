import type { Failure } from '../../notify/run-result.ts';
import {
  restoreSamples,
  type Sample,
  samplesOf,
  stageSamples,
  startSeconds,
  unixSeconds,
} from '../../notify/samples.ts';
import { type Presentation, type PresentContext, secondsOutput } from '../shared/presentation.ts';
import type { RestoreTestSettings } from './inputs.ts';
import type { RestoreTestReport } from './report.ts';
import type { RestoreTestResult } from './run.ts';
import { restoreTestSummary, verdictMessage } from './summary.ts';

export function presentRestoreTest(
  { report, restoredUrl }: RestoreTestResult,
  { settings, reportPath }: PresentContext<RestoreTestSettings>,
): Presentation {
  const message = verdictMessage(report);
  return {
    ...judgeTest(report, message, settings.onCouldNotVerify),
    outputs: { ...outputsOf(report), ...(restoredUrl === null ? {} : { 'restored-url': restoredUrl }) },
    lines: [...report.findings.map(({ kind, object, message }) => `- ${kind} ${object}: ${message}`), message],
    summary: restoreTestSummary(report),
    report: { path: reportPath(`lifeboat-restore-test-${report.id}.json`), content: report },
    page: null,
    ...notificationsOf(report),
  };
}

/** Red unless the backup is proven: a test that says nothing is not green. */
function judgeTest(
  { verdict, missed }: RestoreTestReport,
  message: string,
  onCouldNotVerify: RestoreTestSettings['onCouldNotVerify'],
): { status: Presentation['status']; problem: Failure | null } {
  if (verdict === 'failed') return { status: 'failed', problem: { title: 'Lifeboat: restore test failed', message } };
  if (verdict === 'could-not-verify') {
    const problem = { title: 'Lifeboat: could not verify', message };
    return { status: onCouldNotVerify === 'warn' ? 'good' : 'could-not-verify', problem };
  }
  if (missed.length === 0) return { status: 'good', problem: null };
  return { status: 'failed', problem: { title: 'Lifeboat: objective missed', message } };
}

/** What notifiers get of a restore test. */
export function notificationsOf(report: RestoreTestReport): Pick<Presentation, 'facts' | 'measured'> {
  const { id, verdict, recovered } = report;
  return {
    facts: { backup: id, verdict, recovered, sentence: verdictMessage(report) },
    measured: [{ set: null, samples: samplesOfTest(report), stores: [] }],
  };
}

function outputsOf(report: RestoreTestReport): Presentation['outputs'] {
  const rows = report.tables.reduce((sum, { restored }) => sum + BigInt(restored ?? 0), 0n);
  return {
    id: report.id,
    verdict: report.verdict,
    tables: report.tables.filter(({ restored }) => restored !== null).length,
    rows: rows.toString(),
    'restore-time': secondsOutput(report.restoreTime),
    duration: secondsOutput(report.duration),
  };
}

function samplesOfTest(report: RestoreTestReport): Sample[] {
  const proven = report.verdict === 'proven';
  return [
    ...stageSamples(report.stages),
    ...restoreSamples(report.restoreTime),
    ...samplesOf({
      lifeboat_restore_test_proven: proven ? 1 : 0,
      lifeboat_last_proven_timestamp_seconds: proven ? unixSeconds(new Date(report.finished)) : null,
      lifeboat_last_proven_backup_timestamp_seconds: proven ? startSeconds(report.id) : null,
    }),
  ];
}
