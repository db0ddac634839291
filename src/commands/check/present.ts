import { type Failure, NO_FACTS } from '../../notify/run-result.ts';
import { ATTEMPT_ONLY } from '../../notify/samples.ts';
import { htmlPage, type PageReport } from '../list/html-page.ts';
import { shortenedNotes } from '../list/present.ts';
import { backupsOutput } from '../list/report.ts';
import { fileTime, type Presentation, type PresentContext, secondsOutput } from '../shared/presentation.ts';
import { headlineOf } from './headline.ts';
import type { CheckSettings } from './inputs.ts';
import type { CheckReport } from './report.ts';
import { checkLines, checkMessage, checkSummary } from './summary.ts';

export function presentCheck(report: CheckReport, context: PresentContext<CheckSettings>): Presentation {
  const { settings, version, reportPath } = context;
  const path = reportPath(`lifeboat-check-${fileTime(report.started)}.json`);
  const { json, most } = backupsOutput(report);
  const newest = new Set(report.stores.flatMap(({ sets }) => sets.flatMap((set) => set.newest ?? [])));
  return {
    ...judgeCheck(report),
    outputs: { id: [...newest].join('\n'), backups: json, duration: secondsOutput(report.duration) },
    lines: checkLines(report),
    summary: checkSummary(report, shortenedNotes(most, path)),
    report: { path, content: report },
    page: settings.reportHtml === null ? null : { path: settings.reportHtml, html: htmlPage(pageOf(report), version) },
    facts: NO_FACTS,
    measured: [ATTEMPT_ONLY],
  };
}

/** The report as `report-html` shows it. */
function pageOf(report: CheckReport): PageReport {
  const kind = { passed: 'good', warning: 'open', failed: 'bad' } as const;
  return { ...report, verdict: { kind: kind[report.result], text: headlineOf(report).text } };
}

/** Red when a rule is broken. What could not be checked, or needs attention, is a warning: never green in silence. */
function judgeCheck(report: CheckReport): { status: Presentation['status']; problem: Failure | null } {
  const message = checkMessage(report);
  if (message === null) return { status: 'good', problem: null };
  return report.result === 'failed'
    ? { status: 'failed', problem: { title: 'Lifeboat: check failed', message } }
    : { status: 'good', problem: { title: 'Lifeboat: check is not green', message } };
}
