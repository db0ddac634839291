import { resolveConnection } from '../../inputs/connection/pg-environment.ts';
import { imageNeedsHost, parseJobs, parseToolset } from '../../inputs/connection/toolset.ts';
import { parseDatabases } from '../../inputs/database/databases.ts';
import { parseDumpArgs } from '../../inputs/database/dump-args.ts';
import { everyCommand } from '../../inputs/every-command.ts';
import { parsePublicKeys, parseVerificationKeys } from '../../inputs/keys/keys.ts';
import { parsePassphrase } from '../../inputs/keys/passphrase.ts';
import { passphraseOfNoSigningKey, signingInputs } from '../../inputs/keys/signing.ts';
import { monitoringInputs } from '../../inputs/notifiers/monitoring.ts';
import {
  type Environment,
  type GetInput,
  type InputLog,
  optional,
  pick,
  type Rule,
  readInputs,
  schemaOf,
  type ValuesOf,
} from '../../inputs/schema.ts';
import { warnOfFleetingStores } from '../../inputs/stores/fleeting-stores.ts';
import { parseKmsKey, parseObjectLock, parseStorageClass } from '../../inputs/stores/s3.ts';
import { storeInputs, storeSettings } from '../../inputs/stores/store-inputs.ts';
import { parseTimeout } from '../../inputs/values/duration.ts';
import { keepInputs, keepRulesOf } from '../../inputs/values/keep.ts';
import type { FileTreeSettings } from '../../inputs/values/paths.ts';
import { excludeWhat, parseGlobs, parsePaths, treeThatHoldsStore } from '../../inputs/values/paths.ts';
import { parseSetName } from '../../inputs/values/set-name.ts';
import { oneOf, parseBoolean, wholeNumber } from '../../inputs/values/words.ts';
import type { EncryptionSettings, SigningSettings } from '../../openpgp/settings.ts';
import type { StoreSettings } from '../../store/open.ts';
import type { RetentionSettings } from '../prune/inputs.ts';

/** Every input of `backup`. */
export const backupInputs = schemaOf({
  command: oneOf('backup'),
  'database-url': (text, { env, log }) => resolveConnection(text, env, log),
  databases: optional(parseDatabases),
  name: optional(parseSetName),
  ...storeInputs,
  toolset: parseToolset,
  passphrase: (text, { log }) => parsePassphrase(text, log),
  'public-key': optional((text, { now, log }) => parsePublicKeys(text, now, log)),
  ...signingInputs,
  jobs: parseJobs,
  globals: parseBoolean,
  paths: parsePaths,
  'paths-exclude': parseGlobs,
  'dump-args': parseDumpArgs,
  fingerprint: oneOf('rows', 'content'),
  'lock-wait-timeout': parseTimeout,
  'allow-empty': parseBoolean,
  'allow-new-source': parseBoolean,
  'compression-level': wholeNumber(1, 19),
  'read-back': oneOf('auto', 'required'),
  's3-storage-class': optional((text, { log }) => parseStorageClass(text, log)),
  's3-object-lock': optional(parseObjectLock),
  's3-sse': optional(oneOf('AES256', 'aws:kms')),
  's3-kms-key': optional(parseKmsKey),
  's3-create-bucket': parseBoolean,
  ...keepInputs,
  'verification-key': optional(parseVerificationKeys),
  'dry-run': parseBoolean,
  ...monitoringInputs,
});

type BackupInputs = typeof backupInputs;

/** Settings that are the values of the inputs of these names, as parsed. */
const PLAIN = [
  ...['command', 'toolset', 'databases', 'name', 'globals', 'pathsExclude', 'dumpArgs', 'fingerprint'],
  ...['compressionLevel', 'lockWaitTimeout', 'allowEmpty', 'allowNewSource', 'readBack', 'dryRun'],
] as const satisfies (keyof ValuesOf<BackupInputs>)[];

/** Everything that a `backup` needs to know, checked. Durations are milliseconds; null: the input was not given. */
export interface BackupSettings extends StoreSettings, Pick<ValuesOf<BackupInputs>, (typeof PLAIN)[number]> {
  /** Connection parameters by libpq's environment names (PGHOST, PGUSER, ...), resolved once, secrets masked. */
  connection: Record<string, string>;
  encryption: EncryptionSettings;
  signing: SigningSettings | null;
  /** File trees beside the database. */
  fileTrees: FileTreeSettings[];
  /** Armored certificates that older backups must be signed by to count; null: that of the signing key. */
  verificationKeys: string | null;
  /** null: no rule is given, so nothing is deleted. */
  retention: RetentionSettings | null;
}

const rules: Rule<BackupInputs>[] = [
  ...everyCommand,
  function exactlyOneEncryption({ given }) {
    if (given('passphrase') && given('public-key')) {
      return {
        input: 'passphrase',
        problem:
          'public-key is given as well. Remove one of the two; with public-key alone this job needs no secret that decrypts.',
      };
    }
    if (given('passphrase') || given('public-key')) return null;
    return {
      input: 'passphrase',
      problem: 'neither passphrase nor public-key is given, and nothing is stored unencrypted. Give one of the two.',
    };
  },
  ({ given }) => passphraseOfNoSigningKey(given('signing-key-passphrase'), given('signing-key')),
  ({ values }) => imageNeedsHost(values.toolset, 'database-url', values.databaseUrl),
  function treesOfManySets({ given }) {
    if (!given('databases') || !given('paths')) return null;
    return {
      input: 'paths',
      problem:
        'with databases each set would hold the same files. Back them up with one database, in a step of its own.',
    };
  },
  function nameOfManySets({ given }) {
    if (!given('databases') || !given('name')) return null;
    return {
      input: 'name',
      problem:
        'with databases each is backed up into a set that has its own name. Remove name; or remove databases, and name the one in database-url.',
    };
  },
  function s3InputsWithoutS3({ given, values }) {
    if (!values.store || values.store.some(({ kind }) => kind === 's3')) return null;
    const idle = inputNames.filter((name) => name.startsWith('s3-') && given(name));
    const [first] = idle;
    if (!first) return null;
    return {
      input: first,
      problem: `${idle.join(', ')} given, but no store is s3://bucket/prefix. Add such a store, or remove what is for S3.`,
    };
  },
  function keyWithoutKms({ given, values }) {
    if (!given('s3-kms-key') || values.s3Sse === 'aws:kms') return null;
    return {
      input: 's3-kms-key',
      problem: 'a KMS key is used with s3-sse: aws:kms only. Set that, or remove the key.',
    };
  },
  ({ values }) => excludeWhat(values.paths, values.pathsExclude),
  ({ values }) => treeThatHoldsStore(values.paths, values.store),
  function noSecretsForForks({ given, env }) {
    const event = env.GITHUB_EVENT_NAME ?? '';
    if (!event.startsWith('pull_request') || given('passphrase') || given('public-key') || given('database-url'))
      return null;
    return {
      input: 'passphrase',
      problem:
        'this is a pull request, and secrets are empty for pull requests from forks and from Dependabot. Run backups on schedule, workflow_dispatch or push.',
    };
  },
];

const inputNames = Object.keys(backupInputs) as (keyof BackupInputs)[];

/**
 * Reads and checks every input of `backup`. `get` gives an input's text untrimmed, empty when it was not given.
 * Throws one LifeboatError with a line for each problem, which names the input.
 */
export async function readBackupSettings(get: GetInput, env: Environment, log: InputLog): Promise<BackupSettings> {
  const inputs = await readInputs(backupInputs, rules, get, { env, log, now: new Date() });
  warnOfFleetingStores(inputs.store, env, log);
  return {
    ...pick(inputs, PLAIN),
    ...storeSettings(inputs),
    s3: {
      endpoint: inputs.s3Endpoint,
      storageClass: inputs.s3StorageClass,
      objectLock: inputs.s3ObjectLock,
      sse: inputs.s3Sse,
      kmsKey: inputs.s3KmsKey,
      createBucket: inputs.s3CreateBucket,
    },
    connection: inputs.databaseUrl,
    encryption: encryptionOf(inputs),
    signing: inputs.signingKey,
    fileTrees: inputs.paths,
    verificationKeys: inputs.verificationKey,
    retention: retentionOf(inputs),
  };
}

function retentionOf(inputs: ValuesOf<BackupInputs>): RetentionSettings | null {
  const rules = keepRulesOf(inputs);
  if (rules === null) return null;
  const { verificationKey: verificationKeys, signingKey: signing, dryRun } = inputs;
  return { rules, verificationKeys, signing, force: false, dryRun };
}

function encryptionOf({ passphrase, publicKey: armored }: ValuesOf<BackupInputs>): EncryptionSettings {
  if (passphrase !== null) return { kind: 'passphrase', passphrase };
  if (armored !== null) return { kind: 'public-key', armored };
  throw new Error('The rules let no backup pass without encryption.');
}
