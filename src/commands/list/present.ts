import { NO_FACTS } from '../../notify/run-result.ts';
import { type MeasuredSet, type Sample, samplesOf, startSeconds } from '../../notify/samples.ts';
import {
  failedStores,
  fileTime,
  type Presentation,
  type PresentContext,
  secondsOutput,
} from '../shared/presentation.ts';
import { htmlPage } from './html-page.ts';
import type { ListSettings } from './inputs.ts';
import { backupsOutput, type ListedStore, type ListReport } from './report.ts';
import { listLines, listSummary } from './summary.ts';

/** A store that cannot be listed is red, though the others are shown. */
export function presentList(report: ListReport, context: PresentContext<ListSettings>): Presentation {
  const { settings, version, reportPath } = context;
  const path = reportPath(`lifeboat-list-${fileTime(report.started)}.json`);
  const { json, most } = backupsOutput(report);
  const notes = shortenedNotes(most, path);
  const message = failedStores(report.stores);
  return {
    status: message === null ? 'good' : 'failed',
    problem: message === null ? null : { title: 'Lifeboat: a store could not be listed', message },
    outputs: { backups: json, duration: secondsOutput(report.duration) },
    lines: [...listLines(report), ...notes],
    summary: listSummary(report, notes),
    report: { path, content: report },
    page: settings.reportHtml === null ? null : { path: settings.reportHtml, html: htmlPage(report, version) },
    facts: NO_FACTS,
    measured: measuredSets(report),
  };
}

/** Says that an output does not hold every backup. */
export function shortenedNotes(most: number | null, path: string): string[] {
  return most === null ? [] : [`The output backups holds the newest ${most} of each set; the report, all: ${path}`];
}

export function measuredSets({ name, stores }: ListReport): MeasuredSet[] {
  const sets = name === null ? [...new Set(stores.flatMap(({ sets }) => sets.map((set) => set.name)))] : [name];
  const listed = stores.filter(({ error }) => error === null);
  return sets.map((set) => ({
    set,
    samples: [],
    stores: listed.map((store) => ({ url: store.url, samples: samplesOfSet(store, set) })),
  }));
}

function samplesOfSet({ sets }: ListedStore, set: string): Sample[] {
  const backups = sets.find(({ name }) => name === set)?.backups ?? [];
  const newest = backups.find(({ newestComplete }) => newestComplete);
  const proven = backups.find(({ newestProven }) => newestProven);
  return samplesOf({
    lifeboat_backups: backups.filter(({ complete }) => complete).length,
    lifeboat_backups_stored_bytes: backups.reduce((sum, { size }) => sum + size, 0),
    lifeboat_newest_backup_timestamp_seconds: newest === undefined ? 0 : startSeconds(newest.id),
    lifeboat_newest_proven_backup_timestamp_seconds: proven === undefined ? 0 : startSeconds(proven.id),
  });
}
