import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lintWorkflow } from './lint-workflow.ts';
import { REPOSITORY } from './run-node.ts';

/** Workflows of this repository, and those that people copy. */
const FOLDERS = ['.github/workflows', 'examples'];

const files = FOLDERS.flatMap(workflowsIn);
for (const file of files) {
  const text = readFileSync(join(REPOSITORY, file), 'utf8');
  for (const { message, line, column, kind } of await lintWorkflow(text, file)) {
    console.error(`${file}:${line}:${column} ${message} [${kind}]`);
    process.exitCode = 1;
  }
}
console.log(`${files.length} workflows read: ${files.join(', ')}`);

function workflowsIn(folder: string): string[] {
  const path = join(REPOSITORY, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => `${folder}/${name}`);
}
