import type { Environment, GetInput } from './schema.ts';
import { SHORTEST_MASK, secretsOf } from './secrets.ts';

/** Inputs, what is saved for the `post:` step, and the runner's own tokens. */
const OURS = /^(?:INPUT|STATE|LIFEBOAT|ACTIONS)_/;

/** What a command of the user's gets of our environment: all that holds no input, and none of the secrets that we know. */
export function commandEnvironment(get: GetInput, env: Environment): Record<string, string> {
  const secrets = secretsOf(get, env)
    .map(({ text }) => text)
    .filter((text) => text.length >= SHORTEST_MASK);
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !OURS.test(entry[0]) && !secrets.some((secret) => entry[1]?.includes(secret)),
    ),
  );
}
