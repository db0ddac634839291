import { parseArgs } from 'node:util';
import { REPOSITORY } from './run-node.ts';
import { checkWords } from './words/check.ts';

/**
 * Checks that lines written since BASE have none of the words that this project does not use. With
 * `--base 4b825dc642cb6eb9a060e54bf8d69288fbee4904`, git's empty tree, it lists what older lines still have.
 */
const BASE = '842bcec1cd47a44036de72c6ac57c90da9da3619';

const { base } = parseArgs({ options: { base: { type: 'string', default: BASE } } }).values;
const { lines, problems } = checkWords(REPOSITORY, base);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
console.log(`${lines} new lines checked.`);
