import type { Command } from '../shared/command.ts';
import type { HoldSettings } from './inputs.ts';
import { holdInputs, readHoldSettings } from './inputs.ts';
import { presentHold } from './present.ts';
import type { HoldReport } from './report.ts';
import { hold as run } from './run.ts';

export const hold = {
  name: 'hold',
  summary: 'keep one backup from being deleted',
  inputs: holdInputs,
  readSettings: (get, env, log) => readHoldSettings(holdInputs, get, env, log),
  run,
  present: presentHold,
} as const satisfies Command<HoldSettings, HoldReport>;
