import { type Store, type StoreContext, StoreError } from '../store.ts';
import type { SshLocation } from './location.ts';
import type { SshOptions } from './options.ts';
import type { SshSettings } from './settings.ts';

/**
 * Makes the store for a folder on a server that is reached by ssh; nothing is sent before `open()`. The library takes
 * a while to load: only a run that uses it does.
 */
export async function openSshStore(
  location: SshLocation,
  settings: SshSettings | null,
  context: StoreContext,
  options: Partial<SshOptions> = {},
): Promise<Store> {
  if (settings === null) throw new StoreError('denied', `${location.url} needs ssh-key and ssh-known-hosts.`);
  const { RsyncStore } = await import('./rsync/store.ts');
  const rsync = () => new RsyncStore(location, settings, context);
  if (location.via === 'rsync') return rsync();
  const [{ createSftpStore }, { SftpOrRsync }] = await Promise.all([import('./store.ts'), import('./fallback.ts')]);
  return new SftpOrRsync(createSftpStore(location, settings, context, options), rsync, context);
}
