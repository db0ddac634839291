import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPage } from '../../../scripts/docs/page.ts';
import { GITHUB_FILE, type Github } from '../runbooks/gh.ts';
import { runBlocks } from '../runbooks/run-blocks.ts';
import { standIns } from '../runbooks/stand-ins.ts';
import { execute } from '../servers/execute.ts';
import { runFolder, serverEnvironment } from '../servers/run.ts';
import { REPOSITORY } from './action-definition.ts';

/**
 * The secrets and variables of a repository whose owner has followed docs/getting-started.md and then docs/keys.md: the
 * pages' own commands create the keys and hand them to a stand-in for GitHub.
 */
export async function followKeyPlan(): Promise<Github> {
  // Short: the socket of gpg's agent may have no longer path than 107 bytes.
  const home = mkdtempSync(join(runFolder(), 'plan-'));
  const githubFile = join(home, 'github.json');
  const github: Github = { environments: {}, env: {}, srv: join(home, 'srv') };
  mkdirSync(github.srv);
  writeFileSync(githubFile, JSON.stringify(github));
  const { PATH, ...environment } = serverEnvironment();
  const path = `${standIns(mkdtempSync(join(runFolder(), 'gh-')))}:${PATH}`;
  const env = { ...environment, PATH: path, HOME: home, [GITHUB_FILE]: githubFile };
  await runBlocks('getting-started', 'first-proof', {
    folder: home,
    env,
    values: {},
    which: ({ code }) => code.includes('lifeboat-keys'),
  });
  await execute('bash', ['-euo', 'pipefail', '-c', furtherEnvironments()], { env, cwd: home });
  return JSON.parse(readFileSync(githubFile, 'utf8')) as Github;
}

function furtherEnvironments(): string {
  const { snippets } = readPage(join(REPOSITORY, 'docs', 'keys.md'));
  const blocks = snippets.filter(({ language, text }) => language === 'sh' && text.includes('environments/prune'));
  return blocks.map(({ text }) => text).join('\n');
}
