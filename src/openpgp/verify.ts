import { messageOf } from '../errors.ts';

/** Clocks differ; a signature from later than this is not believed. Milliseconds. */
const CLOCK_SKEW = 24 * 60 * 60 * 1000;

/**
 * Whether a detached signature over the bytes is one of these keys', valid at the time that it was made: a key that has
 * expired since has signed well then. null when it is, else what is wrong with it.
 */
export async function verifyDetached(
  bytes: Uint8Array,
  armoredSignature: string,
  armoredKeys: string,
  now: Date,
): Promise<string | null> {
  const result = await checkDetached(bytes, armoredSignature, armoredKeys, now);
  return 'problem' in result ? result.problem : null;
}

/** The same, with the id (hex) of the key that made the good signature. */
export async function checkDetached(
  bytes: Uint8Array,
  armoredSignature: string,
  armoredKeys: string,
  now: Date,
): Promise<{ signer: string } | { problem: string }> {
  const openpgp = await import('openpgp');
  try {
    const signature = await openpgp.readSignature({ armoredSignature });
    const made = signature.packets[0]?.created;
    if (!made) return { problem: 'it holds no signature' };
    if (made.getTime() > now.getTime() + CLOCK_SKEW) {
      return { problem: `it is from the future (${made.toISOString()})` };
    }
    const verified = await openpgp.verify({
      message: await openpgp.createMessage({ binary: bytes }),
      signature,
      verificationKeys: await openpgp.readKeys({ armoredKeys }),
      date: made,
    });
    const results = await Promise.all(
      verified.signatures.map(({ verified: good, keyID }) =>
        good.then(
          () => ({ signer: keyID.toHex() }),
          (error: unknown) => ({ problem: messageOf(error) }),
        ),
      ),
    );
    return results.find((result) => 'signer' in result) ?? results[0] ?? { problem: 'it holds no signature' };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
