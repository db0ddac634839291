import * as openpgp from 'openpgp';
import ssh2 from 'ssh2';

/** Keys for tests, made anew in each run. Those of OpenPGP are armored. */
export interface TestKeys {
  /** A certificate and its private key, unlocked. */
  public: string;
  private: string;
  /** Another pair; the private key is locked with {@link KEY_PASSPHRASE}. */
  otherPublic: string;
  locked: string;
  expired: string;
  expiredPrivate: string;
  /** The primary key is good, its encryption subkey has expired. */
  expiredSubkey: string;
  /** Expires in ten days. */
  expiring: string;
  revoked: string;
  /** No encryption subkey. */
  signOnly: string;
  /** Version 4, but of an algorithm of RFC 9580. */
  x25519: string;
  version6: string;
  version6Private: string;
  /** As a private key's file, and as a line of authorized_keys. */
  sshKey: string;
  sshPublicKey: string;
  /** With a passphrase. */
  lockedSshKey: string;
}

export const KEY_PASSPHRASE = 'the signing key is locked';

const DAY = 86_400;
const userIDs = [{ name: 'Lifeboat test', email: 'test@example.com' }];

export async function makeTestKeys(): Promise<TestKeys> {
  const legacy = { type: 'ecc', curve: 'curve25519Legacy', userIDs } as const;
  const longAgo = new Date('2020-01-01T00:00:00Z');
  const pair = await openpgp.generateKey(legacy);
  const locked = await openpgp.generateKey({ ...legacy, passphrase: KEY_PASSPHRASE });
  const expired = await openpgp.generateKey({ ...legacy, date: longAgo, keyExpirationTime: 30 * DAY });
  const expiredSubkey = await openpgp.generateKey({
    ...legacy,
    date: longAgo,
    subkeys: [{ keyExpirationTime: 30 * DAY }],
  });
  const expiring = await openpgp.generateKey({ ...legacy, keyExpirationTime: 10 * DAY });
  const signOnly = await openpgp.generateKey({ ...legacy, subkeys: [] });
  const revoked = await openpgp.revokeKey({ key: await openpgp.readPrivateKey({ armoredKey: pair.privateKey }) });
  const x25519 = await openpgp.generateKey({ type: 'curve25519', userIDs, config: { v6Keys: false } });
  const version6 = await openpgp.generateKey({ type: 'curve25519', userIDs, config: { v6Keys: true } });
  const ssh = ssh2.utils.generateKeyPairSync('ed25519');
  const lockedSsh = ssh2.utils.generateKeyPairSync('ed25519', {
    passphrase: KEY_PASSPHRASE,
    cipher: 'aes256-ctr',
    rounds: 16,
  });
  return {
    public: pair.publicKey,
    private: pair.privateKey,
    otherPublic: locked.publicKey,
    locked: locked.privateKey,
    expired: expired.publicKey,
    expiredPrivate: expired.privateKey,
    expiredSubkey: expiredSubkey.publicKey,
    expiring: expiring.publicKey,
    revoked: revoked.publicKey,
    signOnly: signOnly.publicKey,
    x25519: x25519.publicKey,
    version6: version6.publicKey,
    version6Private: version6.privateKey,
    sshKey: ssh.private,
    sshPublicKey: ssh.public,
    lockedSshKey: lockedSsh.private,
  };
}
