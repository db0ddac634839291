import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { chooseToolset, newestToolset, restoringToolset } from '../../src/postgres/find-toolset.ts';
import { localToolsets } from '../../src/postgres/local-toolsets.ts';
import type { Toolset } from '../../src/postgres/toolset.ts';
import { runFolder } from '../servers/run.ts';

/** A folder in which these programs are, each of which says that it is of that version. */
function machine(programs: Record<string, string>): string {
  const root = mkdtempSync(join(runFolder(), 'machine-'));
  for (const [path, says] of Object.entries(programs)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });
  }
  return root;
}

function toolset(major: number): Toolset {
  const invocation: Toolset['invocation'] = (tool, args, env) => ({ command: tool, args, env });
  return { place: `/pg/${major}`, version: `${major}.1`, major, invocation };
}

describe('programs of this machine', () => {
  test('are found where Debian, RPM packages and Homebrew put them', async () => {
    const root = machine({
      '/usr/lib/postgresql/15/bin/pg_dump': 'pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)',
      '/usr/lib/postgresql/common/bin/pg_dump': 'pg_dump (PostgreSQL) 99.1',
      '/usr/pgsql-16/bin/pg_dump': 'pg_dump (PostgreSQL) 16.4',
      '/opt/homebrew/opt/postgresql@17/bin/pg_dump': 'pg_dump (PostgreSQL) 17.2 (Homebrew)',
      '/usr/local/opt/libpq/bin/pg_dump': 'pg_dump (PostgreSQL) 18.0',
      '/home/linuxbrew/.linuxbrew/opt/postgresql@14/bin/pg_dump': 'pg_dump (PostgreSQL) 14.9',
      '/usr/lib/postgresql/13/bin/pg_dump': 'something else altogether',
    });
    const found = await localToolsets(root);
    const below = found.filter(({ place }) => place.startsWith(root));
    expect(below.map(({ place, major }) => [place.slice(root.length), major])).toEqual([
      ['/usr/lib/postgresql/15/bin', 15],
      ['/usr/pgsql-16/bin', 16],
      ['/opt/homebrew/opt/postgresql@17/bin', 17],
      ['/usr/local/opt/libpq/bin', 18],
      ['/home/linuxbrew/.linuxbrew/opt/postgresql@14/bin', 14],
    ]);
    expect(below[0]?.version).toBe('15.18 (Debian 15.18-0+deb12u1)');
  });
});

describe('of several', () => {
  const all = [toolset(18), toolset(14), toolset(16), toolset(17)];

  test.each([
    [14, 14],
    [15, 16],
    [16, 16],
    [18, 18],
  ])('a server of version %d gets its own, else the nearest newer: %d', async (server, chosen) => {
    expect((await chooseToolset(all, server, `${server}.3`)).major).toBe(chosen);
  });

  test('never an older one: the line that installs it, and the image that has it', async () => {
    const error = chooseToolset([toolset(14), toolset(16)], 17, '17.2');
    await expect(error).rejects.toThrow(
      /The server is PostgreSQL 17\.2, and every pg_dump here is older: 14\.1 \(\/pg\/14\), 16\.1 \(\/pg\/16\)\..*sudo apt-get install postgresql-client-17;.*toolset: image:postgres:17/,
    );
  });

  test('none at all: where they were looked for', async () => {
    await expect(newestToolset([])).rejects.toThrow(
      /No pg_dump was found: not on PATH, and not in \/usr\/lib\/postgresql, .*\/opt\/homebrew\/opt.*sudo apt-get install postgresql-client-17/,
    );
  });

  test('a pg_restore that is older than the pg_dump of the backup is refused', async () => {
    await expect(restoringToolset({ kind: 'local' }, 99)).rejects.toThrow(
      /The backup was made by pg_dump 99, and every pg_restore here is older: .*postgresql-client-99/,
    );
  });
});
