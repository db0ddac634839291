import type { Key, PrivateKey, Subkey } from 'openpgp';
import { LifeboatError, messageOf } from '../../errors.ts';
import type { RecipientFacts, SigningKeyFacts } from '../../formats/health/rule.ts';
import type { InputLog } from '../schema.ts';
import { armoredBlocks, notAKey } from './key-text.ts';

const DAY = 86_400_000;
const WARN_BEFORE = 30 * DAY;
const EXPORT_PUBLIC_KEY = 'Paste the output of: gpg --armor --export KEY';
const EXPORT_SECRET_KEY = 'Paste the output of: gpg --armor --export-secret-keys KEY';
/** Algorithms of RFC 9580 that also stand in version 4 keys; GnuPG 2.2 knows none of them. */
const TOO_NEW = ['x25519', 'x448', 'ed25519', 'ed448'];

/**
 * The certificates that a backup is encrypted to, one or more, as one armored block.
 * Required of each: it is public, GnuPG 2.2 can use it, and it can encrypt today.
 */
export async function parsePublicKeys(text: string, now: Date, log: InputLog): Promise<string> {
  const openpgp = await import('openpgp');
  const keys = new Map<string, Key>();
  for (const key of await readCertificates(text)) {
    if (keys.has(key.getFingerprint())) log.notice(`public-key: ${nameOf(key)} is listed twice; once is enough.`);
    keys.set(key.getFingerprint(), key);
  }
  const problems: string[] = [];
  for (const key of keys.values()) {
    const problem = await whyNotEncrypt(key, now);
    if (problem) problems.push(`${nameOf(key)} ${problem}`);
    else await warnOfExpiry({ input: 'public-key', key, used: await key.getEncryptionKey(undefined, now) }, now, log);
  }
  if (problems.length > 0) throw new LifeboatError(problems.join('\n'));
  const all = Buffer.concat([...keys.values()].map((key) => key.write()));
  return openpgp.armor(openpgp.enums.armor.publicKey, all);
}

async function readCertificates(text: string): Promise<Key[]> {
  const openpgp = await import('openpgp');
  const blocks = armoredBlocks(text);
  if (/PGP PRIVATE KEY|AGE-SECRET-KEY/.test(text)) throw isPrivate();
  if (blocks.length === 0 || blocks.some(({ label }) => label !== 'PUBLIC KEY BLOCK'))
    throw notAKey(text, EXPORT_PUBLIC_KEY);
  const keys: Key[] = [];
  for (const block of blocks) {
    try {
      keys.push(...(await openpgp.readKeys({ armoredKeys: block.text })));
    } catch (error) {
      throw unreadableKey(error, EXPORT_PUBLIC_KEY);
    }
  }
  if (keys.some((key) => key.isPrivate())) throw isPrivate();
  return keys;
}

function isPrivate(): LifeboatError {
  return new LifeboatError(
    'this is a private key; the backup job must not have it, for it could then read every backup. Remove it from the secrets of this job, and paste the output of: gpg --armor --export KEY',
  );
}

async function whyNotEncrypt(key: Key, now: Date): Promise<string | null> {
  const old = await whyNotAtAll(key, now);
  if (old) return old;
  const subkey = await key.getEncryptionKey(undefined, now).catch((error: unknown) => messageOf(error));
  if (typeof subkey !== 'string') return tooNew(subkey) ? TOO_NEW_FOR_GPG : null;
  const expiredKey = await key.getEncryptionKey(undefined, null).catch(() => null);
  const expiry = expiredKey && (await expiryOf(expiredKey, key));
  if (expiry && expiry <= now) {
    return `has an encryption subkey that expired on ${dayOf(expiry)}. Extend it (gpg --quick-set-expire) and export it again.`;
  }
  const reason = reasonOf(subkey.replace(/^Could not find valid encryption key packet in key \w+(: )?/, ''));
  return `has no subkey that can encrypt${reason && ` (${reason})`}. Add one (gpg --quick-add-key FINGERPRINT cv25519 encr) or use another key.`;
}

const TOO_NEW_FOR_GPG =
  'is of a kind that GnuPG 2.2 cannot read (RFC 9580), so a backup could not be decrypted by hand everywhere. Make one that it can read: gpg --quick-generate-key NAME default';

/** What makes a whole key useless, whatever it is for. */
async function whyNotAtAll(key: Key, now: Date): Promise<string | null> {
  if (key.keyPacket.version > 4 || tooNew(key)) return TOO_NEW_FOR_GPG;
  if (await key.isRevoked(undefined, undefined, now)) return 'is revoked. Use the key that took its place.';
  const expiry = await key.getExpirationTime();
  if (expiry instanceof Date && expiry <= now) {
    return `expired on ${dayOf(expiry)}. Extend it (gpg --quick-set-expire) and export it again.`;
  }
  return null;
}

function tooNew(key: Key | Subkey): boolean {
  return TOO_NEW.includes(key.getAlgorithmInfo().algorithm);
}

/**
 * The certificates that a signature must come from, as one armored block. One that has expired still tells who signed
 * before that.
 */
export async function parseVerificationKeys(text: string): Promise<string> {
  const openpgp = await import('openpgp');
  const keys = await readCertificates(text);
  return openpgp.armor(openpgp.enums.armor.publicKey, Buffer.concat(keys.map((key) => key.write())));
}

/** The certificates that backups are encrypted to, for whoever watches over them: one that cannot be used is no error. */
export async function describeRecipients(text: string, now: Date): Promise<RecipientFacts[]> {
  const facts: RecipientFacts[] = [];
  for (const key of await readCertificates(text)) {
    const subkey = await encryptionSubkey(key, now);
    const expiry = subkey && (await expiryOf(subkey, key));
    facts.push({
      name: nameOf(key),
      problem: await whyNotEncrypt(key, now),
      expires: expiry?.toISOString() ?? null,
      subkey: subkey?.getFingerprint().toUpperCase() ?? null,
    });
  }
  return facts;
}

/** The one in use; when there is none any more, the last one that was. */
async function encryptionSubkey(key: Key, now: Date): Promise<Key | Subkey | null> {
  for (const date of [now, null]) {
    const subkey = await key.getEncryptionKey(undefined, date).catch(() => null);
    if (subkey) return subkey;
  }
  return null;
}

/** Every key of the certificates, for a signature names the one that made it. */
export async function describeSigners(text: string): Promise<SigningKeyFacts[]> {
  const facts: SigningKeyFacts[] = [];
  for (const key of await readCertificates(text)) {
    for (const part of key.getKeys()) {
      const expiry = await expiryOf(part, key);
      facts.push({ name: nameOf(key), keyId: part.getKeyID().toHex(), expires: expiry?.toISOString() ?? null });
    }
  }
  return facts;
}

/** The private keys that open backups, one or more, unlocked. Expired ones too: old backups were made for them. */
export async function parsePrivateKeys(text: string, passphrase: string | null): Promise<PrivateKey[]> {
  const openpgp = await import('openpgp');
  const blocks = armoredBlocks(text);
  if (blocks.some(({ label }) => label === 'PUBLIC KEY BLOCK')) {
    throw new LifeboatError(`it is a public key, which cannot decrypt. ${EXPORT_SECRET_KEY}`);
  }
  if (blocks.length === 0 || blocks.some(({ label }) => label !== 'PRIVATE KEY BLOCK'))
    throw notAKey(text, EXPORT_SECRET_KEY);
  const keys: PrivateKey[] = [];
  for (const block of blocks) {
    let locked: PrivateKey[];
    try {
      locked = await openpgp.readPrivateKeys({ armoredKeys: block.text });
    } catch (error) {
      throw unreadableKey(error, EXPORT_SECRET_KEY);
    }
    for (const key of locked) keys.push(await unlockedToDecrypt(key, passphrase));
  }
  return keys;
}

async function unlockedToDecrypt(privateKey: PrivateKey, passphrase: string | null): Promise<PrivateKey> {
  const openpgp = await import('openpgp');
  if (privateKey.isDecrypted()) return privateKey;
  if (passphrase === null) {
    throw new LifeboatError(`${nameOf(privateKey)} is locked. Give its passphrase in private-key-passphrase.`);
  }
  try {
    return await openpgp.decryptKey({ privateKey, passphrase });
  } catch (error) {
    throw new LifeboatError(
      `${nameOf(privateKey)} cannot be unlocked (${reasonOf(messageOf(error))}). Correct private-key-passphrase.`,
    );
  }
}

/**
 * The key that signs manifests, armored and still locked, when it can sign today with this passphrase.
 * It is tried out: a key exported without its secret part looks whole.
 */
export async function parseSigningKey(
  text: string,
  passphrase: string | null,
  now: Date,
  log: InputLog,
): Promise<string> {
  const openpgp = await import('openpgp');
  const locked = await readSigningKey(text);
  const name = nameOf(locked);
  const problem = await whyNotAtAll(locked, now);
  if (problem) throw new LifeboatError(`${name} ${problem}`);
  const key = await unlockKey(locked, passphrase, log);
  try {
    const message = await openpgp.createMessage({ text: 'Can it sign?' });
    await openpgp.sign({ message, signingKeys: key, detached: true, date: now });
  } catch (error) {
    throw new LifeboatError(
      `${name} cannot sign (${reasonOf(messageOf(error))}). Use a key with a signing part that is neither expired nor revoked, exported whole. ${EXPORT_SECRET_KEY}`,
    );
  }
  await warnOfExpiry({ input: 'signing-key', key, used: await key.getSigningKey(undefined, now) }, now, log);
  return locked.armor();
}

async function readSigningKey(text: string): Promise<PrivateKey> {
  const openpgp = await import('openpgp');
  const [block, ...others] = armoredBlocks(text);
  if (block?.label === 'PUBLIC KEY BLOCK') {
    throw new LifeboatError(`it is a public key, which cannot sign. ${EXPORT_SECRET_KEY}`);
  }
  if (block?.label !== 'PRIVATE KEY BLOCK') throw notAKey(text, EXPORT_SECRET_KEY);
  try {
    const keys = await openpgp.readPrivateKeys({ armoredKeys: block.text });
    const [key] = keys;
    if (key && keys.length === 1 && others.length === 0) return key;
  } catch (error) {
    throw unreadableKey(error, EXPORT_SECRET_KEY);
  }
  throw new LifeboatError('it holds several keys. Paste the one that signs.');
}

async function unlockKey(key: PrivateKey, passphrase: string | null, log: InputLog): Promise<PrivateKey> {
  const openpgp = await import('openpgp');
  if (key.isDecrypted()) {
    if (passphrase !== null) log.notice('signing-key-passphrase: the key is not locked, so it is not needed.');
    return key;
  }
  if (passphrase === null) {
    throw new LifeboatError(`${nameOf(key)} is locked. Give its passphrase in signing-key-passphrase.`);
  }
  try {
    return await openpgp.decryptKey({ privateKey: key, passphrase });
  } catch (error) {
    throw new LifeboatError(
      `${nameOf(key)} cannot be unlocked (${reasonOf(messageOf(error))}). Correct signing-key-passphrase.`,
    );
  }
}

async function warnOfExpiry(
  { input, key, used }: { input: string; key: Key; used: Key | Subkey },
  now: Date,
  log: InputLog,
): Promise<void> {
  const expiry = await expiryOf(used, key);
  if (expiry && expiry.getTime() < now.getTime() + WARN_BEFORE) {
    log.warning(
      `${input}: ${nameOf(key)} expires on ${dayOf(expiry)}; from then on backups fail. Extend it (gpg --quick-set-expire) and export it again.`,
    );
  }
}

/** When the key or its subkey ends, whichever comes first; null: never. */
async function expiryOf(used: Key | Subkey, key: Key): Promise<Date | null> {
  const ends = [await key.getExpirationTime(), await used.getExpirationTime()];
  const [first] = ends.filter((end) => end instanceof Date).sort((a, b) => a.getTime() - b.getTime());
  return first ?? null;
}

function nameOf(key: Key): string {
  return `key ${key.getFingerprint().toUpperCase()}`;
}

function unreadableKey(error: unknown, fix: string): LifeboatError {
  return new LifeboatError(`it cannot be read as an OpenPGP key (${reasonOf(messageOf(error))}). ${fix}`);
}

/** OpenPGP.js's own words, without the prefixes that it piles up. */
function reasonOf(message: string): string {
  return message.replace(/^(Error [a-z ]+: |Misformed armored text: )+/i, '').replace(/\.$/, '');
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
