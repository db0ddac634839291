import * as core from '@actions/core';
import { runCommand } from './app/run-command.ts';
import { leftoversSaver } from './app/saved-leftovers.ts';
import { CLI } from './cli/program.ts';
import { Leftovers } from './leftovers.ts';
import { actionsLog } from './report/log.ts';
import { actionsReporter } from './report/reporter.ts';
import { CACHE_PROCESS, serveCacheRequest } from './repository/cache/actions-cache-process.ts';

/**
 * The Action's main step. The first argument makes the same bundle the command line, or the process that speaks to the
 * Actions cache. The `post:` step is src/post.ts. process.exit() is not used: Node 24 can hang in it.
 */
async function main(): Promise<void> {
  const [, , first, ...rest] = process.argv;
  if (first === CACHE_PROCESS) return serveCacheRequest(rest);
  if (first === CLI) {
    const { runCli } = await import('./cli/main.ts');
    process.exitCode = await runCli(rest);
    return;
  }
  const { track } = new Leftovers(leftoversSaver(actionsLog.warning));
  const outcome = await runCommand({
    get: getInput,
    env: process.env,
    reporter: actionsReporter,
    mask: core.setSecret,
    track,
  });
  if (outcome !== 'good') process.exitCode = 1;
}

function getInput(name: string): string {
  return core.getInput(name, { trimWhitespace: false });
}

await main();
