import type { Command } from '../shared/command.ts';
import type { PruneSettings } from './inputs.ts';
import { pruneInputs, readPruneSettings } from './inputs.ts';
import { presentPrune } from './present.ts';
import type { PruneReport } from './report.ts';
import { prune as run } from './run.ts';

export const prune = {
  name: 'prune',
  summary: 'delete the backups that no rule keeps',
  inputs: pruneInputs,
  readSettings: readPruneSettings,
  run,
  present: presentPrune,
} as const satisfies Command<PruneSettings, PruneReport>;
