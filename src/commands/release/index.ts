import type { HoldSettings } from '../hold/inputs.ts';
import { readHoldSettings, releaseInputs } from '../hold/inputs.ts';
import { presentHold } from '../hold/present.ts';
import type { HoldReport } from '../hold/report.ts';
import type { Command } from '../shared/command.ts';
import { release as run } from './run.ts';

export const release = {
  name: 'release',
  summary: 'remove the hold so that retention applies again',
  inputs: releaseInputs,
  readSettings: (get, env, log) => readHoldSettings(releaseInputs, get, env, log),
  run,
  present: presentHold,
} as const satisfies Command<HoldSettings, HoldReport>;
