import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ScriptResult } from '../servers/disk-machine.ts';
import { type Block, isAsPrinted, readBlocks, type TestedPage } from './runbook.ts';

export interface BlockOptions {
  /** Where the commands run; holds one file for each block, too. */
  folder: string;
  env: Record<string, string>;
  /** The variables that the page's block `values=NAME` names, and no others. */
  values: Record<string, string>;
  /** What a person types, by the beginning of the block that asks for it. */
  typed?: Record<string, string>;
  /** Leaves out the page's other blocks of that name. */
  which?: (block: Block) => boolean;
  /** Runs before the first block, in the same shell. */
  before?: string;
  /** Runs the script; default: bash on this machine. */
  shell?: (script: string, folder: string, env: Record<string, string>) => Promise<ScriptResult>;
}

/**
 * Runs the blocks of one name, in the order of the page, in one bash, as a person pastes them into one terminal. Throws
 * when one fails, prints something else than the page says, or when the page asks for other values than are given.
 */
export async function runBlocks(page: TestedPage, name: string, options: BlockOptions): Promise<void> {
  const { which = () => true } = options;
  const blocks = readBlocks(page).filter((block) => block.name === name && which(block));
  const script = writeScript(blocks, options);
  const { folder, env, values, shell = runBash } = options;
  const { output, end } = await shell(script.path, folder, { ...env, ...values });
  const [, ...printed] = output.split(script.separator);
  for (const [index, block] of script.run.entries()) {
    const said = printed[index];
    if (said === undefined) throw new Error(`${block.at}: not reached:\n${output}`);
    const last = index === printed.length - 1;
    if (last && end !== '0') throw new Error(`${block.at}: ended with ${end}:\n${block.code}\n${said}`);
    if (block.prints !== null && !isAsPrinted(said, block.prints)) {
      throw new Error(`${block.at}: prints something else.\nPrinted:\n${said}\nOn the page:\n${block.prints}`);
    }
  }
}

/** Names of the variables that a block of values sets. */
function namesOf({ code }: Block): string[] {
  return [...code.matchAll(/^export (\w+)=/gm)].map(([, variable = '']) => variable);
}

/** One file for each block that is run, and one that runs them; a line with the separator stands before each. */
function writeScript(blocks: Block[], { folder, values, typed = {}, before = '' }: BlockOptions) {
  const run = blocks.filter(({ kind }) => kind === 'test');
  const asked = blocks.filter(({ kind }) => kind === 'values').flatMap(namesOf);
  const given = Object.keys(values);
  if (run.length === 0 || asked.sort().join() !== given.sort().join()) {
    throw new Error(`${run.length} blocks; the page asks for ${asked.join(' ')}, given are ${given.join(' ')}`);
  }
  const separator = `=== ${randomUUID()}\n`;
  const lines = run.map((block, index) => {
    const file = join(folder, `block-${index}`);
    writeFileSync(file, block.code);
    const answer = Object.entries(typed).find(([beginning]) => block.code.startsWith(beginning))?.[1];
    if (answer !== undefined) writeFileSync(`${file}.typed`, answer);
    return `printf '${separator.trimEnd()}\\n'; . '${file}' <${answer === undefined ? '/dev/null' : `'${file}.typed'`}`;
  });
  const path = join(folder, 'blocks.sh');
  writeFileSync(path, ['exec 2>&1', 'set -e', before, ...lines, ''].join('\n'));
  return { path, separator, run };
}

/** Without a terminal: what asks for a password would ask there, and the test would wait for a person. */
async function runBash(script: string, folder: string, env: Record<string, string>): Promise<ScriptResult> {
  const bash = spawn('bash', [script], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const closed = new Promise<string>((resolve, reject) => {
    bash.on('error', reject);
    bash.on('close', (code, signal) => resolve(String(signal ?? code)));
  });
  const [output, end] = await Promise.all([text(bash.stdout), closed]);
  return { output, end };
}
