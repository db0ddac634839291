import type { PrivateKey } from 'openpgp';
import type { Demands } from '../formats/health/rule.ts';
import type { WantedDatabases } from '../formats/inventory/databases.ts';
import type { Wanted } from '../formats/inventory/selection.ts';
import type { Assertion } from '../formats/restore-test/assertion.ts';
import type { FileReference } from '../formats/restore-test/file-reference.ts';
import type { KeepRules } from '../formats/retention/rules.ts';
import type { StoreSettings } from '../store/open.ts';
import type { ToolsetChoice } from './connection/toolset.ts';

/** Everything that a `backup` needs to know, checked. Durations are milliseconds. */
export interface BackupSettings extends StoreSettings {
  command: 'backup';
  /** Connection parameters by libpq's environment names (PGHOST, PGUSER, ...), resolved once, secrets masked. */
  connection: Record<string, string>;
  toolset: ToolsetChoice;
  /** Those of the connection's server that are backed up, each into its own set; null: the connection's one. */
  databases: WantedDatabases | null;
  /** The set's name; null: derived from the database's name. */
  name: string | null;
  encryption: EncryptionSettings;
  signing: { key: string; passphrase: string | null } | null;
  globals: boolean;
  /** File trees beside the database. */
  fileTrees: FileTreeSettings[];
  /** What of them is left out: globs on paths in the tree. */
  pathsExclude: string[];
  dumpArgs: string[];
  fingerprint: 'rows' | 'content';
  compressionLevel: number;
  lockWaitTimeout: number;
  allowEmpty: boolean;
  allowNewSource: boolean;
  readBack: 'auto' | 'required';
  /** Armored certificates that older backups must be signed by to count; null: that of the signing key. */
  verificationKeys: string | null;
  /** null: no rule is given, so nothing is deleted. */
  retention: RetentionSettings | null;
  dryRun: boolean;
}

/** A file tree that is backed up with the database. */
export interface FileTreeSettings {
  label: string;
  /** Its folder, absolute. */
  folder: string;
}

/** Which backups of a set stay, and how the others go. */
export interface RetentionSettings {
  rules: KeepRules;
  /** Armored certificates; null: signatures are not looked at. */
  verificationKeys: string | null;
  /** For the record. */
  signing: BackupSettings['signing'];
  /** A plan that a guard refuses is applied. */
  force: boolean;
  dryRun: boolean;
}

/** Everything that a `prune` needs to know, checked. */
export interface PruneSettings extends StoreSettings {
  command: 'prune';
  /** null: the only set of the store. */
  name: string | null;
  retention: RetentionSettings;
}

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

/** Everything that a `restore-test` needs to know, checked. Durations are milliseconds. */
export interface RestoreTestSettings extends StoreSettings {
  command: 'restore-test';
  /** null: the only set of the store. */
  name: string | null;
  /** An id, `latest` or `latest-proven`. */
  backup: string;
  decryption: DecryptionSettings;
  /** Armored certificates; null: signatures are not looked at. */
  verificationKeys: string | null;
  /** For the record. */
  signing: { key: string; passphrase: string | null } | null;
  toolset: ToolsetChoice;
  /** A server that is there; null: a private cluster. */
  scratchConnection: Record<string, string> | null;
  /** The image of a throwaway container; null: none. */
  scratchImage: string | null;
  /** Where a private cluster's folder is made; null: the machine's own place for such. */
  scratchDir: string | null;
  /** The restored database stays on the scratch server for later steps. */
  keepDatabase: boolean;
  /** The path of SQL that is run before it is handed out. */
  afterRestore: string | null;
  /** The encrypted parts are kept in the Actions cache. */
  cache: boolean;
  assertions: Assertion[];
  fileReferences: FileReference[];
  /** How many processes build indexes and constraints. */
  jobs: number;
  /** After so long the restore is ended; null: never. */
  restoreTimeout: number | null;
  /** An objective: a restore that takes longer is reported. */
  maxRestoreTime: number | null;
  maxAge: number | null;
  onCouldNotVerify: 'fail' | 'warn';
}

/** Everything that a `restore` needs to know, checked. Durations are milliseconds. */
export interface RestoreSettings extends StoreSettings {
  command: 'restore';
  /** PGDATABASE is the database that is to be restored; it need not be there. */
  connection: Record<string, string>;
  toolset: ToolsetChoice;
  name: string | null;
  backup: string;
  decryption: DecryptionSettings;
  verificationKeys: string | null;
  replace: boolean;
  /** What is wanted of the backup; null: all of it. */
  wanted: Wanted | null;
  /** A folder, new or empty, that the file trees are unpacked into, absolute; null: they are left alone. */
  filesTo: string | null;
  createRoles: boolean;
  acceptUnverified: boolean;
  /** After so long the restore is ended, unless the swap has begun; null: never. */
  restoreTimeout: number | null;
  /** An older backup is a warning; null: none is. */
  maxAge: number | null;
  swapTimeout: number;
  commands: SwapCommands;
  jobs: number;
  assertions: Assertion[];
  dryRun: boolean;
}

/** The user's own commands around a swap, each as its program and arguments: they stop what uses the database, and start it again. */
export interface SwapCommands {
  before: string[][];
  after: string[][];
  /** All that they get of ours: it holds no input and no secret. */
  env: Record<string, string>;
}

/** Everything that a `list` needs to know, checked. */
export interface ListSettings extends StoreSettings {
  command: 'list';
  /** null: every set. */
  name: string | null;
  /** Where a page for people is written; null: nowhere. */
  reportHtml: string | null;
}

/** A server that sends mail. */
export interface MailServer {
  host: string;
  port: number;
  /** `none`: it is this machine. */
  tls: 'at once' | 'STARTTLS' | 'none';
  login: { user: string; password: string } | null;
}

export interface MailSettings {
  server: MailServer;
  /** Addresses. */
  from: string;
  to: string[];
}

/** Who is told how a run goes; null: that one is not. */
export interface MonitoringSettings {
  /** Secrets, as whoever knows them can use them. */
  webhook: URL | null;
  heartbeat: URL | null;
  pushgateway: URL | null;
  mail: MailSettings | null;
  /** An absolute path. */
  metricsFile: string | null;
  /** The set, when it was named. */
  set: string | null;
}

/** Everything that a `check` needs to know, checked. */
export interface CheckSettings extends StoreSettings {
  command: 'check';
  /** null: every set. */
  name: string | null;
  /** null: inventories are not opened. */
  decryption: DecryptionSettings | null;
  /** Armored certificates; null: signatures are not looked at. */
  verificationKeys: string | null;
  demands: Demands;
  /** Where a page for people is written; null: nowhere. */
  reportHtml: string | null;
}

export type Settings =
  | BackupSettings
  | RestoreTestSettings
  | RestoreSettings
  | ListSettings
  | CheckSettings
  | PruneSettings
  | HoldSettings;

/** What opens backups: passphrases, the present one first, or private keys, unlocked. */
export type DecryptionSettings =
  | { kind: 'passphrase'; passphrases: string[] }
  | { kind: 'private-key'; keys: PrivateKey[] };

export type EncryptionSettings =
  | { kind: 'passphrase'; passphrase: string }
  /** Armored certificates, one or several in one text. */
  | { kind: 'public-key'; armored: string };
