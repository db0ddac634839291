import { appendFile } from 'node:fs/promises';
import * as core from '@actions/core';
import { messageOf } from '../errors.ts';
import { actionsLog, type Log } from './log.ts';

/** Where a run says what it does and what it came to: to GitHub's runner, or to a person at a terminal. */
export interface Reporter {
  log: Log;
  /** A value for later steps. */
  output(name: string, value: string | number): void;
  /** The one thing that went wrong. */
  error(title: string, message: string): void;
  /** Not red, and not to be overlooked. */
  warning(title: string, message: string): void;
  /** Markdown for people. */
  summary(text: string): Promise<void>;
  /** The path of the JSON report, which is whole. */
  report(file: string): void;
}

/** Bytes. The runner drops a summary over 1 MiB whole (FileCommandManager.cs, AttachmentSizeLimit). */
const SUMMARY_LIMIT = 900 * 1024;

/** GitHub's runner: workflow commands on standard output, and the files that it names. */
export const actionsReporter: Reporter = {
  log: actionsLog,
  output: (name, value) => core.setOutput(name, value),
  error: (title, message) => core.error(message, { title }),
  warning: (title, message) => core.warning(message, { title }),
  summary: writeSummary,
  report: (file) => core.setOutput('report', file),
};

/** Best effort: a summary that cannot be written must not fail a backup that is good. */
async function writeSummary(text: string): Promise<void> {
  const path = process.env.GITHUB_STEP_SUMMARY;
  if (path === undefined || path === '') return;
  try {
    const bytes = Buffer.from(text);
    const cut = `${bytes.subarray(0, SUMMARY_LIMIT).toString('utf8')}\n\n(cut)\n`;
    await appendFile(path, bytes.length > SUMMARY_LIMIT ? cut : text);
  } catch (error) {
    core.info(`The job summary could not be written: ${messageOf(error)}`);
  }
}
