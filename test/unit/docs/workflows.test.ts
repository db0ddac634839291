import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';

/* What actionlint does not look at in the repository's own workflows. */
const FOLDER = join(import.meta.dirname, '..', '..', '..', '.github', 'workflows');

interface Workflow {
  permissions?: Record<string, string>;
  jobs: Record<string, { uses?: string; 'timeout-minutes'?: number; permissions?: Record<string, string> }>;
}

describe.each(readdirSync(FOLDER))('%s', (file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  const workflow = parse(text) as Workflow;

  test('every action of others is pinned by its full commit, with its version beside it', () => {
    const uses = [...text.matchAll(/uses: (.+)/g)].map(([, action = '']) => action);
    const pinned = /^(?:\.\/.*|[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/;
    expect(uses.filter((action) => !pinned.test(action))).toEqual([]);
  });

  test('one version of an action everywhere', () => {
    const all = readdirSync(FOLDER)
      .map((name) => readFileSync(join(FOLDER, name), 'utf8'))
      .join('\n');
    const pins = [
      ...new Set([...all.matchAll(/uses: ([\w.-]+\/[\w./-]+)@(\S+)/g)].map(([, name, sha]) => `${name}@${sha}`)),
    ];
    const names = pins.map((pin) => pin.split('@')[0]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test('the token may only read, but where a job says what it must write', () => {
    expect(
      Object.entries(workflow.permissions ?? { missing: 'write' }).filter(([, right]) => right !== 'read'),
    ).toEqual([]);
  });

  test('no job runs for ever', () => {
    const jobs = Object.entries(workflow.jobs).filter(([, { uses }]) => uses === undefined);
    expect(jobs.filter(([, job]) => job['timeout-minutes'] === undefined).map(([name]) => name)).toEqual([]);
  });
});
