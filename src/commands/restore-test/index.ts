import type { Command } from '../shared/command.ts';
import type { RestoreTestSettings } from './inputs.ts';
import { readRestoreTestSettings, restoreTestInputs } from './inputs.ts';
import { presentRestoreTest } from './present.ts';
import { type RestoreTestResult, restoreTest as run } from './run.ts';

export const restoreTest = {
  name: 'restore-test',
  summary: 'restore a backup into a throwaway server and require it to equal what was dumped',
  inputs: restoreTestInputs,
  readSettings: readRestoreTestSettings,
  run,
  present: presentRestoreTest,
} as const satisfies Command<RestoreTestSettings, RestoreTestResult>;
