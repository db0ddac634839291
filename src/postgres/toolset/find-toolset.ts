import { LifeboatError } from '../../errors.ts';
import { runningContainers } from './container-engine.ts';
import { containerToolset, imageToolset } from './container-toolset.ts';
import { FOLDERS, localToolsets } from './local-toolsets.ts';
import type { Toolset, ToolsetChoice } from './toolset.ts';
import { imagesHere, publishingContainers } from './toolsets-nearby.ts';

/** Looks in one place, once, however often it is called. Rejects when a container or an image that was named has none. */
export type Place = () => Promise<Toolset[]>;

/**
 * Where an input `toolset` lets programs be taken from, the nearest first: the next place is looked in when nothing before
 * it fits. `connection` is what they are to connect to.
 */
export function toolsetPlaces(choice: ToolsetChoice, connection: Record<string, string>): Place[] {
  switch (choice.kind) {
    case 'auto':
      return [() => localToolsets(), () => publishingContainers(connection), () => imagesHere(connection)].map(memoize);
    case 'local':
      return [memoize(() => localToolsets())];
    case 'container':
      return [memoize(async () => [await containerToolset(choice.name)])];
    case 'image':
      return [memoize(async () => [await imageToolset(choice.ref)])];
  }
}

/** The newest tools: any psql of a supported version can ask a server how old it is. */
export async function newestToolset(places: Place[]): Promise<Toolset> {
  const newest = await firstThatFits(places, (toolsets) => [...toolsets].sort((a, b) => b.major - a.major)[0]);
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
export async function chooseToolset(places: Place[], serverMajor: number, serverVersion: string): Promise<Toolset> {
  const chosen = await firstThatFits(
    places,
    (toolsets) => toolsets.filter(({ major }) => major >= serverMajor).sort((a, b) => a.major - b.major)[0],
  );
  if (chosen) return chosen;
  throw await nothingFits(
    `The server is PostgreSQL ${serverVersion}, and every pg_dump here is older: ${await describePlaces(places)}. An older pg_dump cannot dump a newer server.`,
    serverMajor,
  );
}

/** The newest of the first place that can read the backup: pg_restore reads archives of its own version and of older ones. */
export async function restoringToolset(places: Place[], clientMajor: number): Promise<Toolset> {
  await newestToolset(places); // Throws when there is none at all.
  const chosen = await firstThatFits(
    places,
    (toolsets) => toolsets.filter(({ major }) => major >= clientMajor).sort((a, b) => b.major - a.major)[0],
  );
  if (chosen) return chosen;
  throw await nothingFits(
    `The backup was made by pg_dump ${clientMajor}, and every pg_restore here is older: ${await describePlaces(places)}.`,
    clientMajor,
  );
}

async function firstThatFits(
  places: Place[],
  choose: (toolsets: Toolset[]) => Toolset | undefined,
): Promise<Toolset | undefined> {
  for (const place of places) {
    const chosen = choose(await place());
    if (chosen) return chosen;
  }
  return undefined;
}

function memoize(place: Place): Place {
  let found: Promise<Toolset[]> | undefined;
  return () => {
    found ??= place();
    return found;
  };
}

async function describePlaces(places: Place[]): Promise<string> {
  const toolsets = (await Promise.all(places.map((place) => place()))).flat();
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
