import { LifeboatError } from '../errors.ts';
import type { ToolsetChoice } from '../inputs/toolset.ts';
import { containerToolset, imageToolset, runningContainers } from './container-toolset.ts';
import { FOLDERS, localToolsets } from './local-toolsets.ts';
import type { Toolset } from './toolset.ts';

/** The sets of programs that an input `toolset` allows. Throws when a container or an image has none. */
export async function findToolsets(choice: ToolsetChoice): Promise<Toolset[]> {
  switch (choice.kind) {
    case 'auto':
    case 'local':
      return localToolsets();
    case 'container':
      return [await containerToolset(choice.name)];
    case 'image':
      return [await imageToolset(choice.ref)];
  }
}

/** The newest tools: any psql of a supported version can ask a server how old it is. */
export async function newestToolset(toolsets: Toolset[]): Promise<Toolset> {
  const [newest] = [...toolsets].sort((a, b) => b.major - a.major);
  if (newest) return newest;
  throw await nothingFits(
    `No pg_dump was found: not on PATH, and not in ${FOLDERS.map(({ root }) => root).join(', ')}.`,
    17,
  );
}

/**
 * The server's own major version when it is there, else the nearest newer one. Never an older one: pg_dump refuses
 * servers newer than itself (pg_dump, Notes).
 */
export async function chooseToolset(toolsets: Toolset[], serverMajor: number, serverVersion: string): Promise<Toolset> {
  const [chosen] = toolsets.filter(({ major }) => major >= serverMajor).sort((a, b) => a.major - b.major);
  if (chosen) return chosen;
  throw await nothingFits(
    `The server is PostgreSQL ${serverVersion}, and every pg_dump here is older: ${described(toolsets)}. An older pg_dump cannot dump a newer server.`,
    serverMajor,
  );
}

/** pg_restore reads archives of its own version and of older ones. */
export async function restoringToolset(choice: ToolsetChoice, clientMajor: number): Promise<Toolset> {
  const toolsets = await findToolsets(choice);
  const newest = await newestToolset(toolsets);
  if (newest.major >= clientMajor) return newest;
  throw await nothingFits(
    `The backup was made by pg_dump ${clientMajor}, and every pg_restore here is older: ${described(toolsets)}.`,
    clientMajor,
  );
}

function described(toolsets: Toolset[]): string {
  return toolsets.map(({ place, version }) => `${version} (${place})`).join(', ');
}

/** With the line that installs it, and the containers that may have it. */
async function nothingFits(what: string, major: number): Promise<LifeboatError> {
  const running = await runningContainers();
  const containers =
    running.length === 0
      ? ''
      : ` Containers run here: ${running.join(', ')}; for the programs of one write toolset: container:NAME.`;
  return new LifeboatError(
    `${what} Install the client of version ${major} or newer on the runner, for example: sudo apt-get install postgresql-client-${major}; or, with docker or podman, write toolset: image:postgres:${major}.${containers}`,
  );
}
