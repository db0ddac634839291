import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster } from '../../../src/postgres/scratch/cluster.ts';
import { serverPrograms } from '../../../src/postgres/scratch/programs.ts';
import { Session } from '../../../src/postgres/session/session.ts';

/**
 * Runs as the job does: a secret in the environment, files that later steps execute, sockets. Then a dump's code tries to
 * reach all of that from inside a throwaway cluster. Prints what it has reached, as JSON.
 */
const [, , base = '', way = '', mark = ''] = process.argv;
const folder = mkdtempSync(join(base, 'a-'));
chmodSync(folder, 0o711);
const files = { env: join(folder, 'github_env'), dist: join(folder, 'dist.js'), readable: join(folder, 'readable') };
for (const file of Object.values(files)) writeFileSync(file, 'untouched', { mode: 0o644 });
const containerSocket = join(folder, 'docker.sock');
const listeners = [createServer(), createServer()];
const port = await listen(listeners[0], { port: 0, host: '127.0.0.1' });
await listen(listeners[1], { path: containerSocket });
chmodSync(containerSocket, 0o660);
const scratch = join(folder, 's');
mkdirSync(scratch, { mode: 0o711 });

const connect = (kind: string, target: string) =>
  `perl -MIO::Socket::${kind} -e 'exit !IO::Socket::${kind}->new(${target})'`;
const ATTACKS: Record<string, string> = {
  'the environment of the job': 'cat /proc/*/environ 2>/dev/null | grep -zq ^LIFEBOAT_TEST_SECRET=',
  'the files of this machine': `grep -q untouched ${files.readable}`,
  'the socket of containers': connect('UNIX', `"${containerSocket}"`),
  'the network': connect('INET', `"127.0.0.1:${port}"`),
  sudo: 'sudo -n true',
};

const signal = new AbortController().signal;
const context = { signal, track: () => () => {} };
const toolset = await serverPrograms(0, 0);
const allowed = way.split(',');
const cluster = await startCluster(scratch, toolset, context, {
  isAllowed: ({ kind, closed, sudo }) => allowed.includes(`${kind}${closed ? '' : ' alone'}${sudo ? ' by sudo' : ''}`),
});
const session = await Session.open({ toolset, connection: cluster.connection, id: 'attack', context }, 'admin');
await session.run('create temp table reached (what text)');
for (const [what, script] of Object.entries(ATTACKS)) {
  await session.run(`copy reached from program $attack$ if ${script}; then echo '${what}'; fi 2> /dev/null $attack$`);
}
// A file of that name may well be written in there: the real ones count.
const WRITTEN = { 'the file of later environments': files.env, 'the code of the action': files.dist };
for (const file of Object.values(WRITTEN)) {
  await session.run(`copy (select 1) to program $attack$ cat > /dev/null; echo evil >> ${file} || true $attack$`);
}
// What the server starts keeps its environment, its folder or its session, unless it takes care not to.
const runs = (sleepFor: string) => `sleep ${sleepFor} < /dev/null > /dev/null 2>&1 &`;
await session.run(`copy (select 1) to program $attack$ cat > /dev/null; setsid ${runs(`${mark}1`)} $attack$`);
await session.run(`copy (select 1) to program $attack$ cat > /dev/null; env -i setsid ${runs(`${mark}2`)} $attack$`);
await session.run(`copy (select 1) to program $attack$ cat > /dev/null; cd /; ${runs(`${mark}3`)} $attack$`);
await session.run(
  `copy (select 1) to program $attack$ cat > /dev/null; cd /; env -i setsid ${runs(`${mark}4`)} $attack$`,
);
await sleep(200);
const answers = await session.query<{ what: string }>('select what from reached');
const reached = [
  ...answers.map(({ what }) => what),
  ...Object.entries(WRITTEN)
    .filter(([, file]) => readFileSync(file, 'utf8') !== 'untouched')
    .map(([what]) => what),
];
session.kill();
await cluster.close();
for (const listener of listeners) listener?.close();
console.log(JSON.stringify({ kind: cluster.isolation, reached }));

function listen(server: ReturnType<typeof createServer> | undefined, where: object): Promise<number> {
  return new Promise((resolve) => {
    server?.listen(where, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}
