import { connect } from 'node:net';
import { isLoopback } from '../../loopback.ts';
import { type Engine, enginesOfThisMachine, runEngine } from './container-engine.ts';
import { containerToolset, imageToolset } from './container-toolset.ts';
import type { Toolset } from './toolset.ts';

/** What `toolset: auto` takes by itself when no program of this machine fits: nothing that has to be guessed or fetched. */

/** Variables whose values are files of this machine, which no container sees. */
const FILES = ['PGSSLCERT', 'PGSSLKEY', 'PGSSLROOTCERT', 'PGSSLCRL', 'PGSSLCRLDIR'];

/** An image that PostgreSQL's project makes, by its full name or the short one, and its major version. */
const IMAGE = /^(?:docker\.io\/(?:library\/)?)?postgres:(\d+)\b/;

/** As docker and podman tell it: by port and protocol inside, where it is published on this machine. */
type Ports = Record<string, { HostIp: string; HostPort: string }[] | null>;

/**
 * The programs in the container to whose port the connection leads: whatever answers behind a published port is in the
 * container that publishes it, most often the database itself. In there it has another port, and the loopback interface.
 */
export async function publishingContainers(connection: Record<string, string>): Promise<Toolset[]> {
  const { PGHOST = '', PGHOSTADDR = '', PGPORT = '5432' } = connection;
  const host = PGHOSTADDR || PGHOST;
  if (!isLoopback(host) || needsFiles(connection)) return [];
  const lists = (await enginesOfThisMachine()).map(async (engine) => {
    const found = await containersPublishing(engine, host, PGPORT);
    return Promise.all(found.map(({ container, port }) => seenFromInside(engine, container, port)));
  });
  return (await Promise.all(lists)).flat(2);
}

/** The programs of PostgreSQL's own images that have been fetched to this machine, in this machine's network. */
export async function imagesHere(connection: Record<string, string>): Promise<Toolset[]> {
  const { PGHOST = '', PGHOSTADDR = '' } = connection;
  const host = PGHOSTADDR || PGHOST;
  if (host === '' || host.startsWith('/') || needsFiles(connection)) return [];
  const lists = (await enginesOfThisMachine()).map(async (engine) => {
    const { stdout } = await runEngine(engine, ['images', '--format={{.Repository}}:{{.Tag}}']);
    const names = stdout.split('\n');
    const majors = new Map(names.map((name) => [IMAGE.exec(name)?.[1], name]));
    majors.delete(undefined);
    const found = await Promise.all([...majors.values()].map((image) => unlessNone(imageToolset(image, engine))));
    return found.flat().map((toolset) => ({ ...toolset, unnamed: true }));
  });
  return (await Promise.all(lists)).flat();
}

async function containersPublishing(
  engine: Engine,
  host: string,
  port: string,
): Promise<{ container: string; port: string }[]> {
  const ids = (await runEngine(engine, ['ps', '--quiet', '--no-trunc'])).stdout.split('\n').filter(Boolean);
  if (ids.length === 0) return [];
  // One that ended meanwhile makes it fail, and the others are told all the same.
  const { stdout } = await runEngine(engine, [
    'inspect',
    '--type=container',
    '--format={{.Name}} {{json .NetworkSettings.Ports}}',
    ...ids,
  ]);
  const found = stdout.split('\n').flatMap((line) => {
    const [, container = '', json = '{}'] = /^\/?(\S+) (\{.*\})$/.exec(line) ?? [];
    return Object.entries(JSON.parse(json) as Ports).flatMap(([inside, published]) => {
      const addresses = (published ?? [])
        .filter(({ HostIp, HostPort }) => HostPort === port && servesHost(HostIp, host))
        .map(({ HostIp }) => HostIp);
      if (!inside.endsWith('/tcp') || addresses.length === 0) return [];
      return [{ container, port: inside.slice(0, -'/tcp'.length), addresses }];
    });
  });
  const sure = await Promise.all(found.map(({ addresses }) => isAllOf(host, addresses, port)));
  return found.filter((_, index) => sure[index]);
}

/**
 * `localhost` is two addresses, and a client may try either first. Where a container is published on one of them alone, and
 * something answers on the other, nobody can tell which of the two is meant.
 */
async function isAllOf(host: string, published: string[], port: string): Promise<boolean> {
  if (host !== 'localhost') return true;
  const others = [
    ...(published.every((address) => address.includes(':')) ? ['127.0.0.1'] : []),
    ...(published.some((address) => address.includes(':')) ? [] : ['::1']),
  ];
  return !(await Promise.all(others.map((address) => acceptsConnections(address, Number(port))))).some(Boolean);
}

function acceptsConnections(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket
      .once('connect', () => end(true))
      .once('timeout', () => end(true))
      .once('error', () => end(false));
  });
}

/** PGHOST stays: certificates are for that name. */
async function seenFromInside(engine: Engine, container: string, port: string): Promise<Toolset[]> {
  const inside = { PGHOSTADDR: '127.0.0.1', PGPORT: port };
  const toolsets = await unlessNone(containerToolset(container, engine));
  return toolsets.map((toolset) => ({
    ...toolset,
    unnamed: true,
    invocation: (tool, args, env) => toolset.invocation(tool, args, { ...env, ...inside }),
  }));
}

/** A container or an image without PostgreSQL's programs is none of those that were looked for. */
function unlessNone(found: Promise<Toolset>): Promise<Toolset[]> {
  return found.then(
    (toolset) => [toolset],
    () => [],
  );
}

function needsFiles(connection: Record<string, string>): boolean {
  // `system`: the certificates that OpenSSL knows (PostgreSQL, "Connection Parameters", sslrootcert).
  return FILES.some((name) => (connection[name] ?? '') !== '' && connection[name] !== 'system');
}

/** Whether what is published at an address of this machine is what `host` leads to. Empty: at every address. */
function servesHost(published: string, host: string): boolean {
  if (['', '0.0.0.0', '::'].includes(published)) return true;
  return host === 'localhost' ? isLoopback(published) : published === host;
}
