import { type Failure, NO_FACTS } from '../../notify/run-result.ts';
import { restoreSamples, stageSamples } from '../../notify/samples.ts';
import { type Presentation, type PresentContext, secondsOutput } from '../shared/presentation.ts';
import type { RestoreSettings } from './inputs.ts';
import type { RestoreReport } from './report.ts';
import { restoreIsDone, restoreMessage, restoreSummary } from './summary.ts';

export function presentRestore(report: RestoreReport, { reportPath }: PresentContext<RestoreSettings>): Presentation {
  const message = restoreMessage(report);
  return {
    ...judgeRestore(report, message),
    outputs: {
      id: report.id,
      verdict: report.verdict ?? '',
      'restore-time': secondsOutput(report.restoreTime),
      duration: secondsOutput(report.duration),
    },
    lines: [...report.findings.map(({ kind, object, message }) => `- ${kind} ${object}: ${message}`), message],
    summary: restoreSummary(report),
    report: { path: reportPath(`lifeboat-restore-${report.id}.json`), content: report },
    page: null,
    facts: { ...NO_FACTS, backup: report.id, verdict: report.verdict },
    measured: [
      { set: null, samples: [...stageSamples(report.stages), ...restoreSamples(report.restoreTime)], stores: [] },
    ],
  };
}

/** Red unless the restored database is what was dumped, and has the name it was to have. */
function judgeRestore(
  report: RestoreReport,
  message: string,
): { status: Presentation['status']; problem: Failure | null } {
  if (!restoreIsDone(report)) {
    const status = report.verdict === 'could-not-verify' ? 'could-not-verify' : 'failed';
    return { status, problem: { title: 'Lifeboat: restore not finished', message } };
  }
  if (report.commandFailures.length === 0) return { status: 'good', problem: null };
  return { status: 'failed', problem: { title: 'Lifeboat: restored, but a command failed', message } };
}
