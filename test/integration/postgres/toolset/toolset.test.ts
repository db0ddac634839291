import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  chooseToolset,
  newestToolset,
  type Place,
  restoringToolset,
} from '../../../../src/postgres/toolset/find-toolset.ts';
import { localToolsets } from '../../../../src/postgres/toolset/local-toolsets.ts';
import type { Toolset } from '../../../../src/postgres/toolset/toolset.ts';
import { imagesHere, publishingContainers } from '../../../../src/postgres/toolset/toolsets-nearby.ts';
import { runFolder } from '../../../support/servers/run.ts';

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

/** A place that has these. */
function at(...majors: number[]): Place {
  return () => Promise.resolve(majors.map(toolset));
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
    expect((await chooseToolset([() => Promise.resolve(all)], server, `${server}.3`)).major).toBe(chosen);
  });

  test('never an older one: the line that installs it, and the image that has it', async () => {
    const error = chooseToolset([at(14), at(16)], 17, '17.2');
    await expect(error).rejects.toThrow(
      /The server is PostgreSQL 17\.2, and every pg_dump here is older: 14\.1 \(\/pg\/14\), 16\.1 \(\/pg\/16\)\..*sudo apt-get install postgresql-client-17;.*toolset: image:postgres:17/,
    );
  });

  test('of several places the nearest that fits is taken, and no other is looked in', async () => {
    const never: Place = () => Promise.reject(new Error('looked further'));
    expect((await chooseToolset([at(14, 17), at(16), never], 16, '16.3')).major).toBe(17);
    expect((await chooseToolset([at(14), at(18, 16), never], 16, '16.3')).major).toBe(16);
    expect((await newestToolset([at(), at(15, 16), never])).major).toBe(16);
    expect((await restoringToolset([at(15), at(17, 18), never], 16)).major).toBe(18);
  });

  test('none at all: where they were looked for', async () => {
    await expect(newestToolset([])).rejects.toThrow(
      /No pg_dump was found: not on PATH, and not in \/usr\/lib\/postgresql, .*\/opt\/homebrew\/opt.*sudo apt-get install postgresql-client-17/,
    );
  });

  test('a pg_restore that is older than the pg_dump of the backup is refused', async () => {
    await expect(restoringToolset([at(14)], 99)).rejects.toThrow(
      /The backup was made by pg_dump 99, and every pg_restore here is older: .*postgresql-client-99/,
    );
  });
});

describe('nearby, when nothing here fits', () => {
  const PUBLISHED = '{"5432/tcp":[{"HostIp":"127.0.0.1","HostPort":"6543"}],"80/tcp":null}';
  const HERE = { PGHOST: 'localhost', PGPORT: '6543', PGPASSWORD: 'secret' };

  /** Of an engine that says these, by its first word. */
  async function withDocker<T>(says: Record<string, string>, ask: () => Promise<T>): Promise<T> {
    const cases = Object.entries(says).map(([word, text]) => `${word}) echo '${text}';;`);
    const root = machine({});
    writeFileSync(join(root, 'docker'), `#!/bin/sh\ncase $1 in ${cases.join(' ')} *) exit 1;; esac\n`, { mode: 0o755 });
    const { PATH } = process.env;
    // The engine is a script. No podman of this machine's is in there.
    process.env.PATH = root;
    try {
      return await ask();
    } finally {
      process.env.PATH = PATH;
    }
  }

  const docker = {
    context: 'unix:///var/run/docker.sock',
    ps: 'aaa',
    inspect: `/shop-db-1 ${PUBLISHED}`,
    exec: 'pg_dump (PostgreSQL) 17.2',
    images: 'postgres:17\nlocalhost/postgres:16\npostgres:latest\nredis:7',
    run: 'pg_dump (PostgreSQL) 17.2',
  };

  test('the container to whose port the connection leads, as seen from inside', async () => {
    const [found, ...others] = await withDocker(docker, () => publishingContainers(HERE));
    expect(others).toEqual([]);
    expect(found).toMatchObject({ place: 'container shop-db-1', major: 17 });
    const { command, args, env } = found?.invocation('pg_dump', [], HERE) ?? {};
    expect(command).toBe('docker');
    expect(args).toContain('shop-db-1');
    expect(env).toMatchObject({ PGHOST: 'localhost', PGHOSTADDR: '127.0.0.1', PGPORT: '5432', PGPASSWORD: 'secret' });
  });

  test.each<[string, Record<string, string>, Partial<typeof docker>]>([
    ['another port', { ...HERE, PGPORT: '5432' }, {}],
    ['another machine', { ...HERE, PGHOST: 'db.example.com' }, {}],
    ['several servers', { ...HERE, PGHOST: 'localhost,localhost' }, {}],
    ['a socket', { ...HERE, PGHOST: '/run/postgresql' }, {}],
    ['another of its addresses', { ...HERE, PGHOST: '127.0.0.2' }, {}],
    ['a certificate that no container sees', { ...HERE, PGSSLROOTCERT: '/etc/ca.pem' }, {}],
    ['an engine on another machine', HERE, { context: 'ssh://admin@far' }],
    ['a container without PostgreSQL', HERE, { exec: 'nothing of that name' }],
  ])('none for %s', async (_, connection, says) => {
    expect(await withDocker({ ...docker, ...says }, () => publishingContainers(connection))).toEqual([]);
  });

  test('none for localhost when something else answers on its other address', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '::1', resolve));
    const { port } = other.address() as { port: number };
    const inspect = docker.inspect.replace('6543', `${port}`);
    const find = (host: string) =>
      withDocker({ ...docker, inspect }, () => publishingContainers({ ...HERE, PGHOST: host, PGPORT: `${port}` }));
    const found = [await find('localhost'), await find('127.0.0.1')];
    await new Promise((resolve) => other.close(resolve));
    expect(found.map(({ length }) => length)).toEqual([0, 1]);
    expect(await find('localhost')).toHaveLength(1);
  });

  test('images of PostgreSQL that are here, for a server that is reached by network', async () => {
    const places = async (connection: Record<string, string>, says = {}) =>
      (await withDocker({ ...docker, ...says }, () => imagesHere(connection))).map(({ place }) => place);
    expect(await places({ PGHOST: 'db.example.com' })).toEqual(['image postgres:17']);
    expect(await places({})).toEqual([]);
    expect(await places({ PGHOST: '/run/postgresql' })).toEqual([]);
    expect(await places({ PGHOST: 'db.example.com' }, { context: 'tcp://far:2376' })).toEqual([]);
  });
});
