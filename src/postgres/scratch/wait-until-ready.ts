import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds. */
const ANSWER_TIMEOUT = 2_000;
/** Protocol 3.0 (PostgreSQL, "Message Formats", StartupMessage). */
const PROTOCOL = 196_608;

/**
 * Waits until a server answers on its socket. Its files are not read: they belong to another user, or lie where we cannot
 * see them. A server that starts refuses every connection before it asks who that is (ProcessStartupPacket).
 */
export async function waitUntilReady(socket: string, timeout: number, hasEnded: () => boolean): Promise<void> {
  for (const end = Date.now() + timeout; Date.now() < end; await sleep(50)) {
    if (hasEnded()) throw new Error('it ended at once.');
    if (await answersOn(socket)) return;
  }
  throw new Error(`it was not ready within ${timeout / 1000} s.`);
}

/** Whether a server is ready there. The first byte of an answer is its kind: R is about authentication, E an error. */
export function answersOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path, timeout: ANSWER_TIMEOUT });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket
      .once('connect', () => socket.write(startupMessage()))
      .once('data', (data) => end(data.toString('latin1', 0, 1) === 'R'))
      .once('timeout', () => end(false))
      .once('error', () => end(false))
      .once('close', () => end(false));
  });
}

/** Who asks does not count: a role that does not exist is refused after this answer. */
function startupMessage(): Buffer {
  const parameters = Buffer.from('user\0lifeboat_ready\0database\0postgres\0\0');
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + parameters.length, 0);
  head.writeInt32BE(PROTOCOL, 4);
  return Buffer.concat([head, parameters]);
}
