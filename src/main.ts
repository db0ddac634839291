import * as core from '@actions/core';
import { carryOut } from './carry-out.ts';
import { CLI } from './cli/program.ts';
import { CACHE_PROCESS, serveCacheRequest } from './commands/actions-cache-process.ts';
import { runAfter } from './commands/swap-commands.ts';
import { commandEnvironment } from './inputs/command-environment.ts';
import { parseCommandLines } from './inputs/command-lines.ts';
import type { StoreSettings } from './inputs/settings.ts';
import { readStores } from './inputs/store-inputs.ts';
import { Leftovers } from './leftovers.ts';
import { cleanUp } from './post.ts';
import { actionsLog } from './report/log.ts';
import { actionsOutlet } from './report/outlet.ts';

/**
 * The Action. The same bundle is the `post:` step, told by the saved state; and, told by the first argument, the command
 * line, and the process that speaks to the Actions cache. process.exit() is not used: Node 24 can hang in it.
 */
async function main(): Promise<void> {
  const [, , first, ...rest] = process.argv;
  if (first === CACHE_PROCESS) return serveCacheRequest(rest);
  if (first === CLI) {
    const { runCli } = await import('./cli.ts');
    process.exitCode = await runCli(rest);
    return;
  }
  if (core.getState('main') === 'started') {
    return cleanUp(JSON.parse(core.getState('leftovers') || '[]'), actionsLog, { after: commandsOfAfter, stores });
  }
  core.saveState('main', 'started');
  const leftovers = new Leftovers((list) => core.saveState('leftovers', JSON.stringify(list)));
  const { track } = leftovers;
  const outcome = await carryOut({ get, env: process.env, out: actionsOutlet, mask: core.setSecret, track });
  if (outcome !== 'good') process.exitCode = 1;
}

function get(name: string): string {
  return core.getInput(name, { trimWhitespace: false });
}

/** For the `post:` step, which has the inputs once more. */
function commandsOfAfter(): Promise<string[]> {
  const commands = { after: parseCommandLines(get('after').trim()), env: commandEnvironment(get, process.env) };
  return runAfter(commands, { log: actionsLog, track: () => () => {} });
}

/** For the `post:` step too: nothing secret is kept in the state. */
function stores(): Promise<StoreSettings> {
  return readStores(get, process.env, { ...actionsLog, mask: core.setSecret });
}

await main();
