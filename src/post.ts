import * as core from '@actions/core';
import { cleanUp } from './app/clean-up.ts';
import { readSavedLeftovers } from './app/saved-leftovers.ts';
import { messageOf } from './errors.ts';
import { commandEnvironment } from './inputs/command-environment.ts';
import { readStores } from './inputs/stores/store-inputs.ts';
import { parseCommandLines } from './inputs/values/command-lines.ts';
import { runAfter } from './process/user-commands.ts';
import { actionsLog } from './report/log.ts';
import type { StoreSettings } from './store/open.ts';

/**
 * The `post:` step, a bundle of its own. Neither this file nor anything it imports knows a command, so whatever the
 * saved state says, or whether there is any, this step can only clean up. test/unit/docs/architecture.test.ts checks that.
 */
async function main(): Promise<void> {
  const { leftovers, problems } = readSavedLeftovers();
  for (const problem of problems) warnOfLeftovers(`part of the saved state was ignored: ${problem}`);
  await cleanUp(leftovers, actionsLog, { after: runAfterCommands, stores: readStoreSettings });
}

function warnOfLeftovers(why: string): void {
  actionsLog.warning(
    `Cannot clean up completely: ${why}. If the run was killed, look for its processes, files and unfinished uploads.`,
  );
}

function getInput(name: string): string {
  return core.getInput(name, { trimWhitespace: false });
}

/** The runner gives this step the inputs again, so the state holds neither commands nor secrets. */
function runAfterCommands(): Promise<string[]> {
  const env = commandEnvironment(getInput, process.env);
  return runAfter(parseCommandLines(getInput('after').trim()), { env, log: actionsLog, track: () => () => {} });
}

function readStoreSettings(): Promise<StoreSettings> {
  return readStores(getInput, process.env, { ...actionsLog, mask: core.setSecret });
}

try {
  await main();
} catch (error) {
  warnOfLeftovers(messageOf(error));
}
