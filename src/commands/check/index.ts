import type { Command } from '../shared/command.ts';
import type { CheckSettings } from './inputs.ts';
import { checkInputs, readCheckSettings } from './inputs.ts';
import { presentCheck } from './present.ts';
import type { CheckReport } from './report.ts';
import { check as run } from './run.ts';

export const check = {
  name: 'check',
  summary: 'check that backups are recent, complete and proven',
  inputs: checkInputs,
  readSettings: readCheckSettings,
  run,
  present: presentCheck,
} as const satisfies Command<CheckSettings, CheckReport>;
