import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { withDeclaredInputs } from './docs/action-inputs.ts';
import { picture, readImports } from './docs/architecture.ts';
import { inputsPage } from './docs/inputs-page.ts';
import { REPOSITORY } from './run-node.ts';

/**
 * Writes what is generated from the sources: the inputs of action.yml, the page of inputs, and the picture of the folders
 * in ARCHITECTURE.md. With `--check` it fails when a file differs from what would be written.
 */
const { check } = parseArgs({ options: { check: { type: 'boolean', default: false } } }).values;
const actionYml = withDeclaredInputs(read('action.yml'));
const files = {
  'action.yml': actionYml,
  'docs/inputs.md': inputsPage(actionYml),
  'ARCHITECTURE.md': withPicture(read('ARCHITECTURE.md')),
};
for (const [name, generated] of Object.entries(files)) {
  if (!check) writeFileSync(join(REPOSITORY, name), generated);
  else if (read(name) !== generated) {
    console.error(`${name} differs from what src/ says. Run \`npm run docs\`.`);
    process.exitCode = 1;
  }
}

function read(name: string): string {
  return readFileSync(join(REPOSITORY, name), 'utf8');
}

function withPicture(page: string): string {
  const graph = readImports(join(REPOSITORY, 'src'));
  return page.replace(/(<!-- picture: .*-->\n).*?(<!-- end of picture -->)/s, `$1${picture(graph)}\n$2`);
}
