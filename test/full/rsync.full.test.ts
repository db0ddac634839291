import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe } from '@jest/globals';
import { parseStores } from '../../src/store/location.ts';
import { parseKnownHosts } from '../../src/store/ssh/known-hosts.ts';
import type { SshLocation } from '../../src/store/ssh/location.ts';
import { openSshStore } from '../../src/store/ssh/open.ts';
import type { Store } from '../../src/store/store.ts';
import { ensureSshd } from '../support/servers/sshd.ts';
import { type RecordedContext, recordedContext } from '../support/store/context.ts';
import { keepsThePromises } from '../support/store/contract.ts';

/* What every store promises, by rsync: each of some hundred requests is a connection of its own. */
describe.each(['rrsync', 'shell'] as const)('rsync, %s', (form) => {
  let context: RecordedContext;
  let store: Store;
  let root: string;

  beforeEach(async () => {
    const server = await ensureSshd(form);
    context = recordedContext();
    const folder = `store-${randomBytes(6).toString('hex')}`;
    root = join(server.folder, folder);
    const url = `ssh://${server.user}@127.0.0.1:${server.port}${server.root}/${folder}?via=rsync`;
    const [location] = parseStores(url) as SshLocation[];
    const settings = { key: server.key, knownHosts: parseKnownHosts(server.knownHosts) };
    store = await openSshStore(location as SshLocation, settings, context);
    await store.open();
  });

  afterEach(() => store.close());

  keepsThePromises(() => ({ store, context, names: () => readdirSync(root, { recursive: true }).map(String).sort() }));
});
