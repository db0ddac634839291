/** A detached OpenPGP signature, armored, as `gpg --verify` takes it. */
export async function signDetached(bytes: Uint8Array, key: string, passphrase: string | null): Promise<string> {
  const openpgp = await import('openpgp');
  const privateKey = await openpgp.readPrivateKey({ armoredKey: key });
  const signingKeys = passphrase === null ? privateKey : await openpgp.decryptKey({ privateKey, passphrase });
  return openpgp.sign({
    message: await openpgp.createMessage({ binary: bytes }),
    signingKeys,
    detached: true,
    format: 'armored',
  });
}

/** The certificate of an armored private key, armored. */
export async function certificateOf(key: string): Promise<string> {
  const openpgp = await import('openpgp');
  return (await openpgp.readPrivateKey({ armoredKey: key })).toPublic().armor();
}
