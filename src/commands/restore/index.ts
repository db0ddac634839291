import type { Command } from '../shared/command.ts';
import type { RestoreSettings } from './inputs.ts';
import { readRestoreSettings, restoreInputs } from './inputs.ts';
import { presentRestore } from './present.ts';
import type { RestoreReport } from './report.ts';
import { restore as run } from './run.ts';

export const restore = {
  name: 'restore',
  summary: 'restore a backup beside the live database, and swap it in on request',
  inputs: restoreInputs,
  readSettings: readRestoreSettings,
  run,
  present: presentRestore,
} as const satisfies Command<RestoreSettings, RestoreReport>;
