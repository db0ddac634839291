import { LifeboatError } from '../../errors.ts';
import { isId } from '../../formats/id.ts';
import { everyCommand } from '../../inputs/every-command.ts';
import { parseVerificationKeys } from '../../inputs/keys/keys.ts';
import { monitoringInputs } from '../../inputs/notifiers/monitoring.ts';
import {
  type Environment,
  type GetInput,
  type InputLog,
  optional,
  type Parsers,
  readInputs,
  schemaOf,
} from '../../inputs/schema.ts';
import { storeInputs, storeSettings } from '../../inputs/stores/store-inputs.ts';
import { parseBackup } from '../../inputs/values/backup.ts';
import { parseSetName } from '../../inputs/values/set-name.ts';
import { oneOf } from '../../inputs/values/words.ts';
import type { StoreSettings } from '../../store/open.ts';
import { quote } from '../../text.ts';

const inputsOfBoth = {
  name: optional(parseSetName),
  ...storeInputs,
  ...monitoringInputs,
} satisfies Parsers;

/** Every input of `hold`. */
export const holdInputs = schemaOf({
  ...inputsOfBoth,
  command: oneOf('hold'),
  backup: parseBackup,
  'verification-key': optional(parseVerificationKeys),
});

/** Every input of `release`: what is let go is named, for the latest may be another one by now. */
export const releaseInputs = schemaOf({
  ...inputsOfBoth,
  command: oneOf('release'),
  backup: parseHeldId,
});

/** Everything that `hold` and `release` need to know, checked. */
export interface HoldSettings extends StoreSettings {
  command: 'hold' | 'release';
  /** null: the only set of the store. */
  name: string | null;
  /** An id; for `hold` also `latest` or `latest-proven`. */
  backup: string;
  /** Armored certificates; null: signatures are not looked at. */
  verificationKeys: string | null;
  /** Who asks for it, and in which run of a workflow; null: not known. */
  by: string | null;
}

function parseHeldId(text: string): string {
  if (isId(text)) return text;
  throw new LifeboatError(
    `${quote(text)} does not say which backup is released. Write its id, such as 20261121T020000Z-7f3a91c2; the command list shows which are held.`,
  );
}

/** Reads and checks every input of `hold` or `release`, like readBackupSettings. */
export async function readHoldSettings(
  schema: typeof holdInputs | typeof releaseInputs,
  get: GetInput,
  env: Environment,
  log: InputLog,
): Promise<HoldSettings> {
  const inputs = await readInputs<typeof holdInputs | typeof releaseInputs>(schema, everyCommand, get, {
    env,
    log,
    now: new Date(),
  });
  return {
    command: inputs.command,
    name: inputs.name,
    ...storeSettings(inputs),
    backup: inputs.backup,
    verificationKeys: 'verificationKey' in inputs ? inputs.verificationKey : null,
    by: whoAsks(env),
  };
}

/** From the runner's environment. */
function whoAsks({ GITHUB_ACTOR, GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID }: Environment): string | null {
  if (!GITHUB_ACTOR || !GITHUB_SERVER_URL || !GITHUB_REPOSITORY || !GITHUB_RUN_ID) return null;
  return `${GITHUB_ACTOR}, ${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`;
}
