import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { descriptionsModule, inputsPage, readActionYml } from './docs/inputs-page.ts';
import { REPOSITORY } from './run-node.ts';

/**
 * Writes what is made of action.yml and the commands' schemas: the page of inputs, and the words of `lifeboat --help`; with
 * `--check` tells whether they are what these make.
 */
const { check } = parseArgs({ options: { check: { type: 'boolean', default: false } } }).values;
const action = readActionYml();
const files = { 'docs/inputs.md': inputsPage(action), 'src/cli/descriptions.ts': descriptionsModule(action) };
for (const [name, made] of Object.entries(files)) {
  const path = join(REPOSITORY, name);
  if (!check) writeFileSync(path, made);
  else if (readFileSync(path, 'utf8') !== made) {
    console.error(`${name} is not what action.yml and the commands make. Run \`npm run docs\`.`);
    process.exitCode = 1;
  }
}
