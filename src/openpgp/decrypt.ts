import { LifeboatError, messageOf } from '../errors.ts';
import { ByteReader } from './byte-reader.ts';
import { decryptedPackets } from './decrypted-packet.ts';
import { literalData, PacketError, peekTag, readPacket } from './packet.ts';
import { readSessionKey } from './session-key.ts';
import type { DecryptionSettings } from './settings.ts';

/** The message is not whole, or was changed after it was written. */
export class DamagedMessage extends LifeboatError {
  override readonly name = 'DamagedMessage';
}

/** Packet types of RFC 9580, section 5. */
const COMPRESSED_DATA = 8;
const UNAUTHENTICATED_DATA = 9;
const LITERAL_DATA = 11;
const ENCRYPTED_DATA = 18;

/**
 * The plain bytes of an OpenPGP message. They come before it is known that the message is unchanged (its modification
 * detection code stands at the end): nothing that was made of them counts before the stream has ended well. A message
 * without such a code is refused. Throws {@link DamagedMessage}, a CannotDecrypt, or what the source throws.
 */
export async function* decrypt(
  source: AsyncIterable<Uint8Array>,
  settings: DecryptionSettings,
): AsyncGenerator<Uint8Array> {
  const reader = new ByteReader(source);
  try {
    const key = await readSessionKey(reader, settings);
    const { tag, body } = await readPacket(reader);
    if (tag === UNAUTHENTICATED_DATA) throw new PacketError('it is not authenticated, for it has no code at its end');
    if (tag !== ENCRYPTED_DATA) throw new PacketError('its encrypted data is missing');
    yield* contentOf(decryptedPackets(key, body));
    await requireEnd(reader);
  } catch (error) {
    throw error instanceof PacketError ? damagedMessage(error) : error;
  } finally {
    await reader.close();
  }
}

/** The bytes of the one file in a message; gpg compresses it unless it is told not to. */
async function* contentOf(packets: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = new ByteReader(packets);
  if ((await peekTag(reader)) === COMPRESSED_DATA) yield* inflate(reader.rest());
  else {
    const { tag, body } = await readPacket(reader);
    if (tag !== LITERAL_DATA) throw new PacketError('there is no data in it');
    yield* literalData(body);
  }
  await requireEnd(reader);
}

/** Only at its end a stream tells whether it was whole. */
async function requireEnd(reader: ByteReader): Promise<void> {
  if ((await reader.peek(1)).length > 0) throw new PacketError('other bytes follow it');
}

/** A Compressed Data packet and what is in it. Lifeboat writes none. */
async function* inflate(packets: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const openpgp = await import('openpgp');
  let failure: unknown = null;
  // Node's own Readable.toWeb throws where nobody can catch it when its reader stops early.
  const binaryMessage = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        const { done, value } = await packets.next();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        failure = error; // The library would wrap it into words of its own.
        throw error;
      }
    },
  });
  try {
    const data = (await openpgp.readMessage({ binaryMessage })).getLiteralData();
    if (data !== null) yield* data as unknown as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw failure ?? new PacketError(messageOf(error));
  }
}

function damagedMessage(error: PacketError): DamagedMessage {
  const what = error.message.replace(/\.$/, '');
  return new DamagedMessage(`It is not whole, or was changed after it was encrypted: ${what}.`, { cause: error });
}
