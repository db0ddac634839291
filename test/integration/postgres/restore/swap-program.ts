import { swapDatabases } from '../../../../src/postgres/restore/swap.ts';
import { Session } from '../../../../src/postgres/session/session.ts';
import { newestToolset } from '../../../../src/postgres/toolset/find-toolset.ts';
import { localToolsets } from '../../../../src/postgres/toolset/local-toolsets.ts';

/** Swaps two databases, and is killed at a step, or after so many milliseconds: `swap-program.ts CONNECTION WHEN`. */
const [, , connection = '{}', when = ''] = process.argv;
const toolset = await newestToolset([localToolsets]);
const context = { signal: new AbortController().signal, track: () => () => {} };
const server = { toolset, connection: JSON.parse(connection), id: 'killed', context };
const session = await Session.open(server, 'admin');
const die = () => process.kill(process.pid, 'SIGKILL');
if (/^\d+$/.test(when)) setTimeout(die, Number(when));
const swap = { live: 'live', restored: 'live_restored', before: 'live_before' };
const at = async (step: string) => {
  if (step === when) die();
  // Wide enough for a moment that comes by chance.
  await new Promise((resolve) => setTimeout(resolve, 10));
};
await swapDatabases({ server, session }, swap, { timeout: 10_000, at });
session.kill();
