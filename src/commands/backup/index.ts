import type { Command } from '../shared/command.ts';
import type { Run } from '../shared/run.ts';
import { backupDatabases, planDatabases } from './databases/run.ts';
import type { BackupSettings } from './inputs.ts';
import { backupInputs, readBackupSettings } from './inputs.ts';
import { planBackup } from './plan.ts';
import { type BackupResult, presentBackup } from './present.ts';
import { backup as backUpOne } from './run.ts';

export const backup = {
  name: 'backup',
  summary: 'create an encrypted backup of a database',
  inputs: backupInputs,
  readSettings: readBackupSettings,
  run: runBackup,
  present: presentBackup,
} as const satisfies Command<BackupSettings, BackupResult>;

async function runBackup({ databases, ...settings }: BackupSettings, run: Run): Promise<BackupResult> {
  if (databases === null) {
    const one = { ...settings, databases };
    return settings.dryRun
      ? { kind: 'plan', plan: await planBackup(one, run) }
      : { kind: 'one', report: await backUpOne(one, run) };
  }
  const many = { ...settings, databases };
  return settings.dryRun
    ? { kind: 'plan', plan: await planDatabases(many, run) }
    : { kind: 'several', report: await backupDatabases(many, run) };
}
