import { escapeHtml } from '../../report/escape.ts';
import { htmlTable, markdownList } from '../../report/markup.ts';
import { formatCount, formatDuration } from '../../units.ts';
import { findingsTable, tablesTable } from '../restore-test/summary.ts';
import type { RestoreReport } from './report.ts';

/** Whether what was asked for is there: the plan, or a database that equals what was dumped, under its name. */
export function restoreIsDone({ dryRun, verdict, restoredDatabase, plan, target }: RestoreReport): boolean {
  if (dryRun) return true;
  if (verdict === 'proven') return true;
  // Accepted as it is: it was swapped in though something could not be looked at.
  return verdict === 'could-not-verify' && restoredDatabase === target && plan.length > 0;
}

/** What happened, and what to do next, in a few sentences. */
export function restoreMessage(report: RestoreReport): string {
  const { filesTo, commandFailures } = report;
  const files = filesTo === null ? '' : ` Its file trees are unpacked in ${JSON.stringify(filesTo)}.`;
  const commands = commandFailures.length === 0 ? '' : ` ${commandFailures.join(' ')} Do by hand what it was to do.`;
  return `${databaseMessage(report)}${files}${commands}`;
}

function databaseMessage(report: RestoreReport): string {
  const { id, target, verdict, restoredDatabase, previousDatabase, findings } = report;
  if (report.dryRun) return `Nothing was changed. ${report.plan.join(' ')}`;
  const [first] = findings;
  const found = first === undefined ? '' : ` ${first.kind} ${first.object}: ${first.message}`;
  const more = findings.length > 1 ? ` And ${formatCount(findings.length - 1)} more, see the job summary.` : '';
  const verified = verdict === 'proven' ? 'equals what was dumped' : 'was restored';
  const backup = report.part === null ? `Backup ${id}` : `What was asked for of backup ${id}`;
  if (restoredDatabase === target) {
    const before =
      previousDatabase === null
        ? ''
        : ` The old one is ${JSON.stringify(previousDatabase)}; drop it when you are sure.`;
    return `Database ${JSON.stringify(target)} is backup ${id} now and ${verified}.${before}${verdict === 'proven' ? '' : `${found}${more}`}`;
  }
  if (verdict === 'proven') {
    return `${backup} is restored into database ${JSON.stringify(restoredDatabase)} and ${verified}. ${JSON.stringify(target)} was not replaced.`;
  }
  const what = verdict === 'failed' ? 'is not what was dumped' : 'could not be verified whole';
  const next =
    verdict === 'failed'
      ? 'Its code may have run on this server. Check it, then drop it; choose another backup.'
      : report.part !== null
        ? 'Look at it.'
        : 'Look at it; accept-unverified: true swaps such a database in.';
  return `${backup} is restored into database ${JSON.stringify(restoredDatabase)}, which ${what}. ${JSON.stringify(target)} was not replaced. ${next}${found}${more}`;
}

/** The job summary of a restore. */
export function restoreSummary(report: RestoreReport): string {
  const headline = report.dryRun
    ? 'Dry run: nothing was changed'
    : `${restoreIsDone(report) ? '✅' : '❌'} Restore of backup <code>${escapeHtml(report.id)}</code>`;
  return [
    `## ${headline}`,
    escapeHtml(restoreMessage(report)),
    ...(report.findings.length === 0 ? [] : ['### What was found', findingsTable(report.findings)]),
    '### Plan',
    markdownList(report.plan, 'Nothing.'),
    ...(report.createdRoles.length === 0
      ? []
      : ['### Roles that were made and need a password', markdownList(report.createdRoles, '')]),
    ...(report.dryRun
      ? []
      : [
          '### Tables',
          tablesTable(report.tables),
          '### Time',
          htmlTable(
            ['Stage', 'Duration'],
            report.stages.map(({ name, milliseconds }) => [escapeHtml(name), formatDuration(milliseconds)]),
          ),
          '### Not verified',
          markdownList(report.notVerified, 'Nothing was left unverified.'),
        ]),
    '',
  ].join('\n\n');
}
