import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { inputsPage, readActionYml } from './docs/inputs-page.ts';
import { REPOSITORY } from './run-node.ts';

/** Writes docs/inputs.md from action.yml and the commands' schemas; with `--check` tells whether it is what they make. */
const PAGE = 'docs/inputs.md';

const { check } = parseArgs({ options: { check: { type: 'boolean', default: false } } }).values;
const path = join(REPOSITORY, PAGE);
const made = inputsPage(readActionYml());
if (!check) writeFileSync(path, made);
else if (readFileSync(path, 'utf8') !== made) {
  console.error(`${PAGE} is not what action.yml and the commands make. Run \`npm run docs\`.`);
  process.exitCode = 1;
}
