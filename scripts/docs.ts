import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { withDeclaredInputs } from './docs/action-inputs.ts';
import { inputsPage } from './docs/inputs-page.ts';
import { REPOSITORY } from './run-node.ts';

/**
 * Writes what is generated from the declared inputs and the commands' schemas: the inputs of action.yml, and the page of
 * inputs. With `--check` it fails when a file differs from what would be written.
 */
const { check } = parseArgs({ options: { check: { type: 'boolean', default: false } } }).values;
const actionYml = withDeclaredInputs(read('action.yml'));
const files = { 'action.yml': actionYml, 'docs/inputs.md': inputsPage(actionYml) };
for (const [name, generated] of Object.entries(files)) {
  if (!check) writeFileSync(join(REPOSITORY, name), generated);
  else if (read(name) !== generated) {
    console.error(`${name} differs from the inputs in src/inputs/declarations.ts. Run \`npm run docs\`.`);
    process.exitCode = 1;
  }
}

function read(name: string): string {
  return readFileSync(join(REPOSITORY, name), 'utf8');
}
