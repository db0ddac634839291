import { expect, test } from '@jest/globals';
import { parsePublicKeys, parseSigningKey } from '../../../../src/inputs/keys/keys.ts';
import { gpg, newGnupgHome } from '../../../support/action/gnupg.ts';
import { RecordingLog } from '../../../support/recording-log.ts';

const LOOPBACK = ['--pinentry-mode', 'loopback', '--passphrase', ''];

test('accepts a key that GnuPG created, as a certificate and as a signing key', async () => {
  const home = newGnupgHome();
  await gpg(home, [...LOOPBACK, '--quick-generate-key', 'g@example.com', 'default']);
  const armored = await gpg(home, ['--armor', '--export', 'g@example.com']);
  await expect(parsePublicKeys(armored, new Date(), new RecordingLog())).resolves.toContain('BEGIN PGP PUBLIC KEY');
  const secret = await gpg(home, ['--pinentry-mode', 'loopback', '--armor', '--export-secret-keys', 'g@example.com']);
  await expect(parseSigningKey(secret, null, new Date(), new RecordingLog())).resolves.toContain('PRIVATE KEY');
});

test('rejects a signing key that was exported without its secret part', async () => {
  const home = newGnupgHome();
  await gpg(home, [...LOOPBACK, '--quick-generate-key', 'g@example.com', 'default', 'default']);
  const stub = await gpg(home, [...LOOPBACK, '--armor', '--export-secret-subkeys', 'g@example.com']);
  await expect(parseSigningKey(stub, null, new Date(), new RecordingLog())).rejects.toThrow(/cannot sign/);
});
