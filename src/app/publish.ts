import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Presentation } from '../commands/shared/presentation.ts';
import { escapeHtml } from '../report/escape.ts';
import type { Reporter } from '../report/reporter.ts';
import { writePage } from './write-page.ts';

/** Writes, outputs and prints everything that a command presents. */
export async function publishPresentation(presentation: Presentation, reporter: Reporter): Promise<void> {
  const { report, outputs, lines, summary, problem, status, page } = presentation;
  if (report !== null) await writeReport(report);
  for (const [name, value] of Object.entries(outputs)) reporter.output(name, value);
  if (report !== null) reporter.report(report.path);
  for (const line of lines) reporter.log.info(line);
  await reporter.summary(summary);
  if (problem !== null) {
    const { title, message } = problem;
    if (status === 'good') reporter.warning(title, message);
    else reporter.error(title, message);
  }
  if (page !== null) await writePage(page.path, page.html);
}

/** Where a JSON report of this name is written. */
export function reportPath(name: string): string {
  const { RUNNER_TEMP } = process.env;
  // In a folder that every user may write, another one could have put a link under a known name.
  return RUNNER_TEMP ? join(RUNNER_TEMP, name) : join(tmpdir(), `${randomUUID()}-${name}`);
}

async function writeReport({ path, content }: NonNullable<Presentation['report']>): Promise<void> {
  const flag = process.env.RUNNER_TEMP ? 'w' : 'wx';
  await writeFile(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag });
}

/** The summary and the annotation of a run that ended without a result. */
export async function publishFailure(title: string, message: string, reporter: Reporter): Promise<void> {
  await reporter.summary(`## ❌ ${escapeHtml(title)}\n\n${message.split('\n').map(escapeHtml).join('<br>\n')}\n`);
  reporter.error(title, message);
}
