import { NO_FACTS } from '../../notify/run-result.ts';
import { ATTEMPT_ONLY } from '../../notify/samples.ts';
import { fileTime, type Presentation, type PresentContext, secondsOutput } from '../shared/presentation.ts';
import type { PruneSettings } from './inputs.ts';
import { deletedOutput, type PruneReport } from './report.ts';
import { pruneLines, pruneSummary, whyNotApplied } from './summary.ts';

/** A plan that a guard refuses is red, and so is one that could not be applied. */
export function presentPrune(report: PruneReport, { reportPath }: PresentContext<PruneSettings>): Presentation {
  const bad = report.stores.filter(({ outcome }) => outcome === 'refused' || outcome === 'failed');
  const message = bad.map(whyNotApplied).join(' ');
  return {
    status: bad.length === 0 ? 'good' : 'failed',
    problem: bad.length === 0 ? null : { title: 'Lifeboat: retention was not applied', message },
    outputs: { deleted: deletedOutput(report.stores), duration: secondsOutput(report.duration) },
    lines: pruneLines(report),
    summary: pruneSummary(report),
    report: { path: reportPath(`lifeboat-prune-${fileTime(report.started)}.json`), content: report },
    page: null,
    facts: NO_FACTS,
    measured: [ATTEMPT_ONLY],
  };
}
