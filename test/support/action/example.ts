import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { REPOSITORY } from './action-definition.ts';
import type { ActionInputs } from './harness.ts';

interface Workflow {
  jobs: Record<string, { steps: { uses?: string; with?: ActionInputs }[] }>;
}

/** What the first step of a job in examples/NAME.yml that uses the Action gives it, as it stands there. */
export function inputsOf(example: string, job: string): ActionInputs {
  const workflow = parse(readFileSync(join(REPOSITORY, 'examples', `${example}.yml`), 'utf8')) as Workflow;
  const step = workflow.jobs[job]?.steps.find(({ uses }) => uses?.startsWith('OWNER/lifeboat@'));
  if (step?.with === undefined) throw new Error(`no step of ${job} in examples/${example}.yml uses Lifeboat`);
  return step.with;
}
