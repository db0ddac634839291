import { readFileSync, readlinkSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { REPOSITORY } from '../action/action-definition.ts';
import { type ActionResult, runAction } from '../action/harness.ts';

/**
 * Stands in for GitHub and its command line, as far as our pages need them: `gh api --method PUT …/environments/NAME`,
 * `gh secret set`, `gh variable set`, and `gh workflow run FILE -f input=value`, which runs the Action with what the
 * workflow of that name in examples/ would give it, prints what the run prints, and ends as the run does.
 */
export interface Github {
  /** By the name of the Environment: a job sees those of its own alone. */
  environments: Record<string, Values>;
  /** Those of the repository: every job sees them, and an Environment's of the same name override them. */
  repository?: Values;
  /** Added to every step's environment: another S3 server than AWS. */
  env: Record<string, string>;
  /** A folder in the place of /srv, which tests may not write to. */
  srv: string;
  /** In the place of the examples' bucket; default: that one. */
  bucket?: string;
}

interface Values {
  secrets: Record<string, string>;
  vars: Record<string, string>;
}

/** The environment variable that names the file with all of that, as JSON. */
export const GITHUB_FILE = 'GITHUB_STAND_IN';

interface Workflow {
  on: { workflow_dispatch: { inputs?: Record<string, { default?: string | boolean }> } | null };
  jobs: Record<string, Job>;
}

export interface Job {
  environment?: string;
  steps: Step[];
}

export interface JobOptions {
  /** Of the person who runs the workflow. */
  inputs?: Record<string, string>;
  /** One job of a matrix. */
  matrix?: Record<string, string>;
  /** Changes what is different on every machine. */
  adapt?: (inputs: Record<string, string>) => Record<string, string>;
}

interface Step {
  uses?: string;
  with?: Record<string, unknown>;
  env?: Record<string, unknown>;
}

async function runWorkflow(github: Github, file: string, given: Record<string, string>): Promise<ActionResult> {
  const workflow = parse(readFileSync(join(REPOSITORY, 'examples', file), 'utf8')) as Workflow;
  const declared = workflow.on.workflow_dispatch?.inputs ?? {};
  const unknown = Object.keys(given).filter((name) => !(name in declared));
  if (unknown.length > 0) throw new Error(`${file} has no input ${unknown.join(', ')}`);
  const defaults = Object.entries(declared).map(([name, input]) => [name, String(input.default ?? '')]);
  const [job] = Object.values(workflow.jobs);
  if (job === undefined) throw new Error(`${file} has no job`);
  return await runJob(github, job, { inputs: { ...Object.fromEntries(defaults), ...given } });
}

/** The job's step that uses the Action, with the secrets and variables of the repository and of the job's Environment. */
export async function runJob(github: Github, job: Job, options: JobOptions = {}): Promise<ActionResult> {
  const { inputs = {}, matrix = {}, adapt = (values) => values } = options;
  const step = job.steps.find(({ uses }) => uses?.startsWith('OWNER/lifeboat@'));
  if (step === undefined) throw new Error('no step of the job uses Lifeboat');
  const { environment } = job;
  const name = environment === undefined ? null : resolve(environment, { matrix }, github);
  const contexts = { inputs, matrix, ...valuesOf(github, name) };
  const resolved = (values: Record<string, unknown> = {}) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, resolve(String(value), contexts, github)]));
  return await runAction(adapt(resolved(step.with)), { env: { ...resolved(step.env), ...github.env } });
}

function valuesOf({ environments, repository = NO_VALUES }: Github, name: string | null): Values {
  const own = name === null ? NO_VALUES : environments[name];
  if (own === undefined) throw new Error(`no Environment "${name}"`);
  return {
    secrets: { ...repository.secrets, ...own.secrets },
    vars: { ...repository.vars, ...own.vars },
  };
}

const NO_VALUES: Values = { secrets: {}, vars: {} };

/** `${{ context.name }}` and `${{ context.name || word }}`. */
function resolve(text: string, contexts: Record<string, Record<string, string>>, { srv, bucket }: Github): string {
  return text
    .replaceAll(
      /\$\{\{ (\w+)\.([\w-]+)(?: \|\| (\w+))? \}\}/g,
      (_, context: string, name: string, otherwise = '') => contexts[context]?.[name] || otherwise,
    )
    .replaceAll('file:///srv/', `file://${srv}/`)
    .replaceAll('s3://my-backups/', `s3://${bucket ?? 'my-backups'}/`);
}

/** All of a file that is handed in; of what a person types, one line. */
function readInput(): string {
  if (!readlinkSync('/proc/self/fd/0').endsWith('.typed')) return readFileSync(0, 'utf8').trim();
  const line: number[] = [];
  const byte = Buffer.alloc(1);
  while (readSync(0, byte) === 1 && byte[0] !== 0x0a) line.push(byte[0] ?? 0);
  return Buffer.from(line).toString();
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      field: { type: 'string', short: 'f', multiple: true, default: [] },
      env: { type: 'string', default: '' },
      method: { type: 'string' },
      silent: { type: 'boolean' },
    },
  });
  const path = process.env[GITHUB_FILE] ?? '';
  const github = JSON.parse(readFileSync(path, 'utf8')) as Github;
  const [command, what = ''] = [positionals.slice(0, 2).join(' '), positionals[2]];
  if (command === 'workflow run') {
    const given = values.field.map((field) => [
      field.slice(0, field.indexOf('=')),
      field.slice(field.indexOf('=') + 1),
    ]);
    const result = await runWorkflow(github, what, Object.fromEntries(given));
    console.log(result.log);
    for (const { title, message } of result.annotations) console.log(`${title}: ${message}`);
    process.exitCode = result.exitCode ?? 1;
  } else if (command === 'secret set' || command === 'variable set') {
    github.repository ??= { secrets: {}, vars: {} };
    const place = values.env === '' ? github.repository : github.environments[values.env];
    if (place === undefined) throw new Error(`no Environment ${JSON.stringify(values.env)}`);
    place[command === 'secret set' ? 'secrets' : 'vars'][what] = readInput();
    writeFileSync(path, JSON.stringify(github));
  } else if (command.startsWith('api repos/{owner}/{repo}/environments/') && values.method === 'PUT') {
    github.environments[command.split('/').at(-1) ?? ''] = { secrets: {}, vars: {} };
    writeFileSync(path, JSON.stringify(github));
  } else throw new Error(`gh ${positionals.join(' ')}: not known here`);
}

if (import.meta.main) await main();
