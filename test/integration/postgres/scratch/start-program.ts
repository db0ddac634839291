import { startCluster } from '../../../../src/postgres/scratch/cluster.ts';
import { serverPrograms } from '../../../../src/postgres/scratch/programs.ts';

/** Starts a cluster that outlives us in the folder that is named, prints its folder, and lives until it is killed. */
const [, , parent = ''] = process.argv;
const context = { signal: new AbortController().signal, track: () => () => {} };
const cluster = await startCluster(parent, await serverPrograms(0, 0), context, {
  isAllowed: ({ closed }) => !closed,
});
console.log(cluster.folder);
setInterval(() => {}, 1_000);
