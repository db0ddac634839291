import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createServer } from 'node:tls';
import { execute } from '../servers/execute.ts';

/** TLS in front of a server that has none, with a certificate of its own. */
export interface TlsFront {
  endpoint: string;
  /** A file, for NODE_EXTRA_CA_CERTS. */
  certificate: string;
  close(): void;
}

export async function startTlsFront(target: string): Promise<TlsFront> {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-tls-'));
  const [key, certificate] = [join(folder, 'key'), join(folder, 'certificate')];
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', key, '-out', certificate];
  await execute('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...names]);

  const { hostname, port } = new URL(target);
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (client) => {
    const onward = connect(Number(port), hostname);
    pipeline(client, onward, client).catch(() => onward.destroy());
  });
  server.on('tlsClientError', () => {}); // A client that does not trust it.
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    certificate,
    close: () => {
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}
