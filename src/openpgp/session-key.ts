import type { PrivateKey } from 'openpgp';
import { LifeboatError, messageOf } from '../errors.ts';
import type { ByteReader } from './byte-reader.ts';
import type { SessionKey } from './decrypted-packet.ts';
import { PacketError, peekTag, readPacket } from './packet.ts';
import {
  HEAD_SIZE,
  openPassphraseMessage,
  PASSPHRASE_PACKET_SIZE,
  parsePassphraseMessage,
} from './passphrase-packet.ts';
import type { DecryptionSettings } from './settings.ts';

/** Nothing that was given opens the message. */
export class CannotDecrypt extends LifeboatError {
  override readonly name = 'CannotDecrypt';
}

/** Packet types of RFC 9580, section 5: how a message begins. */
const FOR_PUBLIC_KEY = 1;
const WITH_PASSPHRASE = 3;

/** Packets for hundreds of recipients fit into this many bytes. */
const LONGEST_HEAD = 256 * 1024;

/**
 * Reads the packets with which a message begins, and finds out its session key. Throws a PacketError when there are
 * none, and {@link CannotDecrypt} when nothing opens them.
 */
export async function readSessionKey(reader: ByteReader, settings: DecryptionSettings): Promise<SessionKey> {
  if (settings.kind === 'passphrase') return readWithPassphrase(reader, settings.passphrases);
  return readWithKeys(reader, settings.keys);
}

/** The library lays out all that a passphrase's derivation hashes, 130 MB; our own takes nothing. */
async function readWithPassphrase(reader: ByteReader, passphrases: string[]): Promise<SessionKey> {
  const message = parsePassphraseMessage(await reader.peek(HEAD_SIZE));
  if (message === null && (await peekTag(reader)) === FOR_PUBLIC_KEY) {
    throw new CannotDecrypt('It is encrypted for a public key, not with a passphrase. Give private-key.');
  }
  if (message === null) throw new PacketError('it does not begin as a message with a passphrase does');
  await reader.take(PASSPHRASE_PACKET_SIZE);
  for (const passphrase of passphrases) {
    const data = openPassphraseMessage(message, passphrase);
    if (data !== null) return { data, algorithm: 'aes256' };
  }
  const noSessionKey =
    passphrases.length === 1 ? 'The passphrase does not open it' : `None of ${passphrases.length} passphrases opens it`;
  throw new CannotDecrypt(`${noSessionKey}. Give the one that it was made with in passphrase or previous-passphrases.`);
}

async function readWithKeys(reader: ByteReader, decryptionKeys: PrivateKey[]): Promise<SessionKey> {
  const { packets, tags } = await readHead(reader);
  if (tags.size === 0) throw new PacketError('it does not begin as an encrypted message does');
  if (!tags.has(FOR_PUBLIC_KEY)) {
    throw new CannotDecrypt('It is encrypted with a passphrase, not for a private key. Give passphrase.');
  }
  const openpgp = await import('openpgp');
  try {
    const message = await openpgp.readMessage({ binaryMessage: packets });
    const [key] = await openpgp.decryptSessionKeys({ message, decryptionKeys });
    if (key) return key;
  } catch (error) {
    if (!/session key decryption failed|no decryption key packets found/i.test(messageOf(error))) {
      throw new PacketError(messageOf(error).replace(/^Error decrypting session keys: /, ''));
    }
  }
  throw new CannotDecrypt(
    'None of the private keys opens it. Give the one that belongs to a recipient of the backup in private-key.',
  );
}

/** The packets before the encrypted data, as they are, each with a head that is written anew. */
async function readHead(reader: ByteReader): Promise<{ packets: Uint8Array; tags: Set<number> }> {
  const tags = new Set<number>();
  const pieces: Uint8Array[] = [];
  for (let size = 0; ; ) {
    const next = await peekTag(reader);
    if (next !== FOR_PUBLIC_KEY && next !== WITH_PASSPHRASE) break;
    const { tag, body } = await readPacket(reader);
    tags.add(tag);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) {
      size += chunk.length;
      if (size > LONGEST_HEAD) throw new PacketError('the packets at its beginning are too long');
      chunks.push(chunk);
    }
    pieces.push(packetOf(tag, Buffer.concat(chunks)));
  }
  return { packets: Buffer.concat(pieces), tags };
}

/** A packet with a length of five bytes, which begins with 255 (RFC 9580, section 4.2.1.3). */
function packetOf(tag: number, body: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([Buffer.of(0xc0 | tag, 255), length, body]);
}
