import { type Command, parseCommand } from '../inputs/command.ts';
import { Problems } from '../inputs/problems.ts';
import type { Environment, GetInput, InputLog, Schema } from '../inputs/schema.ts';
import { maskSecrets, secretsOf } from '../inputs/secrets.ts';
import type { Settings } from '../inputs/settings.ts';
import { backupInputs, readBackupSettings } from './backup/inputs.ts';
import { checkInputs, readCheckSettings } from './check/inputs.ts';
import { holdInputs, readHoldSettings, releaseInputs } from './hold/inputs.ts';
import { listInputs, readListSettings } from './list/inputs.ts';
import { pruneInputs, readPruneSettings } from './prune/inputs.ts';
import { readRestoreSettings, restoreInputs } from './restore/inputs.ts';
import { readRestoreTestSettings, restoreTestInputs } from './restore-test/inputs.ts';

/** The inputs of each command, as in action.yml. */
export const commandInputs = {
  backup: backupInputs,
  'restore-test': restoreTestInputs,
  restore: restoreInputs,
  list: listInputs,
  check: checkInputs,
  prune: pruneInputs,
  hold: holdInputs,
  release: releaseInputs,
} satisfies Record<Command, Schema>;

/**
 * Reads and checks everything that the command is told. Secrets are masked before the first check. `get` gives an
 * input's text untrimmed, empty when it was not given. Throws one LifeboatError with a line for each problem, which
 * names the input.
 */
export async function readSettings(get: GetInput, env: Environment, log: InputLog): Promise<Settings> {
  maskSecrets(secretsOf(get, env), log);
  const command = await readCommand(get);
  noticeIdle(command, get, log);
  switch (command) {
    case 'backup':
      return readBackupSettings(get, env, log);
    case 'restore-test':
      return readRestoreTestSettings(get, env, log);
    case 'restore':
      return readRestoreSettings(get, env, log);
    case 'list':
      return readListSettings(get, env, log);
    case 'check':
      return readCheckSettings(get, env, log);
    case 'prune':
      return readPruneSettings(get, env, log);
    case 'hold':
    case 'release':
      return readHoldSettings(commandInputs[command], get, env, log);
  }
}

async function readCommand(get: GetInput): Promise<Command> {
  const problems = new Problems();
  const text = get('command').trim() || backupInputs.command.default;
  const command = await problems.collect('command', () => parseCommand(text));
  problems.throwIfAny();
  return command ?? 'backup';
}

/** An input of another command does nothing here; whoever gave it may expect something. */
function noticeIdle(command: Command, get: GetInput, log: InputLog): void {
  const own: Schema = commandInputs[command];
  const all: Schema = Object.assign({}, ...Object.values(commandInputs));
  for (const [name, { default: byDefault }] of Object.entries(all)) {
    const text = get(name).trim();
    if (name in own || text === '' || text === byDefault) continue;
    log.notice(`${name}: the command ${command} has no use for it.`);
  }
}
