import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { missingTools } from '../../../scripts/install-servers.ts';
import { runFolder } from '../../support/servers/run.ts';

const SCRIPT = join(import.meta.dirname, '..', '..', '..', 'scripts', 'install-servers.ts');

function installServers(args: string[], env: Record<string, string> = {}) {
  const options = { encoding: 'utf8', env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], options);
  return { status, stdout, stderr };
}

test('when all is there nothing is done and nothing said', () => {
  expect(missingTools(['postgres'])).toEqual([]);
  expect(installServers(['--only', 'postgres'])).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('an unknown group is an error that names those there are', () => {
  const groups =
    'postgres,pgbouncer,ceph,swift,restic,containers,ssh,runbooks,mail,prometheus,chromium,picture,versions';
  const stderr = `--only postgres,mysql: expected some of ${groups}\n`;
  expect(installServers(['--only', 'postgres,mysql'])).toEqual({ status: 1, stdout: '', stderr });
});

test('where there is no apt-get it says what is missing', () => {
  const PATH = mkdtempSync(join(runFolder(), 'empty-'));
  const stderr = 'missing: gpg; zstd. Install them: only Debian and Ubuntu are known here.\n';
  expect(installServers(['--only', 'postgres'], { PATH })).toEqual({ status: 1, stdout: '', stderr });
});
