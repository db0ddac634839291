import type { Command } from '../shared/command.ts';
import type { ListSettings } from './inputs.ts';
import { listInputs, readListSettings } from './inputs.ts';
import { presentList } from './present.ts';
import type { ListReport } from './report.ts';
import { list as run } from './run.ts';

export const list = {
  name: 'list',
  summary: 'list the backups in every store',
  inputs: listInputs,
  readSettings: readListSettings,
  run,
  present: presentList,
} as const satisfies Command<ListSettings, ListReport>;
