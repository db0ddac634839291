import { NO_FACTS } from '../../notify/run-result.ts';
import { ATTEMPT_ONLY } from '../../notify/samples.ts';
import { markdownList } from '../../report/markup.ts';
import { failedStores, type Presentation, type PresentContext } from '../shared/presentation.ts';
import type { HoldSettings } from './inputs.ts';
import { type HoldReport, holdLines } from './report.ts';

/** Held, or released, in some stores only is red. */
export function presentHold(report: HoldReport, { reportPath }: PresentContext<HoldSettings>): Presentation {
  const { command, id } = report;
  const lines = holdLines(report);
  const message = failedStores(report.stores);
  return {
    status: message === null ? 'good' : 'failed',
    problem: message === null ? null : { title: `Lifeboat: ${command} failed`, message },
    outputs: { id },
    lines,
    summary: `## ${command === 'hold' ? 'Hold' : 'Release'}\n\n${markdownList(lines, '')}\n`,
    report: { path: reportPath(`lifeboat-${command}-${id}.json`), content: report },
    page: null,
    facts: { ...NO_FACTS, backup: id },
    measured: [ATTEMPT_ONLY],
  };
}
