import { randomBytes } from 'node:crypto';
import { LifeboatError } from '../../errors.ts';
import { engineEnvironment } from '../../process/container.ts';
import { anyEngine, type Engine, engineOf, FETCHED_WITHIN, runEngine } from './container-engine.ts';
import { readVersion, type Toolset } from './toolset.ts';

/** Variables that say where programs of this machine are and whose they are: nothing to a container. */
const OURS = ['PATH', 'HOME'];

/**
 * PostgreSQL's programs in a running container, most often the database's own. Values of variables are handed over by the
 * engine's client (`--env NAME`): on a command line, every user of the machine could read a password.
 */
export async function containerToolset(container: string, where?: Engine): Promise<Toolset> {
  const engine = where ?? (await engineOf(container));
  const answer = await runEngine(engine, ['exec', container, 'pg_dump', '--version']);
  const version = readVersion(answer.stdout);
  if (version === null) {
    throw new LifeboatError(
      `toolset: container ${JSON.stringify(container)} has no pg_dump that works: ${answer.reason}. Name the container in which the database runs.`,
    );
  }
  return {
    place: `container ${container}`,
    version: version.text,
    major: version.major,
    invocation: (tool, args, env) => {
      const mark = randomBytes(8).toString('hex');
      const { words, stdin, whole } = wrapTool(tool, args);
      const handed = handedOver({ ...env, ...whole.env, LIFEBOAT_TOOL: mark });
      return {
        command: engine,
        args: ['exec', ...stdin, ...handed.args, container, ...words],
        env: { ...engineEnvironment(), ...handed.env },
        containerProcess: { kind: 'container-process', engine, container, mark },
        ...whole.spec,
      };
    },
  };
}

/**
 * PostgreSQL's programs in containers of their own, one for each run of one, in this machine's network. Their output is
 * the dump: no log may keep it.
 */
export async function imageToolset(image: string, where?: Engine): Promise<Toolset> {
  const engine = where ?? (await anyEngine());
  const alone = ['run', '--rm', '--network=host', '--log-driver=none'];
  const answer = await runEngine(engine, [...alone, '--entrypoint=pg_dump', image, '--version'], FETCHED_WITHIN);
  const version = readVersion(answer.stdout);
  if (version === null) {
    throw new LifeboatError(
      `toolset: image ${JSON.stringify(image)} has no pg_dump that works: ${answer.reason}. Name one of PostgreSQL, such as image:postgres:17.`,
    );
  }
  return {
    place: `image ${image}`,
    version: version.text,
    major: version.major,
    invocation: (tool, args, env) => {
      const name = `lifeboat-${randomBytes(8).toString('hex')}`;
      const { words, stdin, whole } = wrapTool(tool, args);
      const [entrypoint = tool, ...rest] = words;
      const handed = handedOver({ ...env, ...whole.env });
      return {
        command: engine,
        args: [...alone, ...stdin, `--name=${name}`, ...handed.args, `--entrypoint=${entrypoint}`, image, ...rest],
        env: { ...engineEnvironment(), ...handed.env },
        containerProcess: { kind: 'container', engine, name },
        ...whole.spec,
      };
    },
  };
}

/**
 * What stands between the engine and a program whose output must be whole. Its input is read until we end it, which the
 * mark makes us do: an engine that cannot hand over input loses output (podman 4.3). psql marks each of its answers
 * itself, and ends when it likes.
 */
const WHOLE = '"$@"; code=$?; printf %s "$LIFEBOAT_END"; cat > /dev/null; exit $code';

/** A tool as it is run in a container: its words, whether it is given input, and what ends its output. */
interface Wrapped {
  words: string[];
  stdin: string[];
  whole: { env: Record<string, string>; spec: { endMark?: string } };
}

function wrapTool(tool: string, args: string[]): Wrapped {
  const stdin = tool === 'psql' || tool === 'pg_restore' ? ['--interactive'] : [];
  if (tool === 'psql') return { words: [tool, ...args], stdin, whole: { env: {}, spec: {} } };
  const endMark = randomBytes(16).toString('hex');
  const whole = { env: { LIFEBOAT_END: endMark }, spec: { endMark } };
  return { words: ['sh', '-c', WHOLE, 'sh', tool, ...args], stdin, whole };
}

function handedOver(variables: Record<string, string>): { args: string[]; env: Record<string, string> } {
  const entries = Object.entries(variables).filter(([name]) => !OURS.includes(name));
  return { args: entries.map(([name]) => `--env=${name}`), env: Object.fromEntries(entries) };
}
