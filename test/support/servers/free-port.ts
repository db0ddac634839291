import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * A free TCP port of 127.0.0.1, below the range (32768 and up on Linux) from which outgoing connections take theirs:
 * a server that is stopped and started again finds it free.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 32_000);
    if (await canListen(port)) return port;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
