import type { KnownHost } from './known-hosts.ts';

/** What the inputs say of every ssh: store. */
export interface SshSettings {
  /** A private key without a passphrase, as a file of it would be. */
  key: string;
  /** The only servers that are spoken to. */
  knownHosts: KnownHost[];
}
