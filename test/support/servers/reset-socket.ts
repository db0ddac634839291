import type { Socket } from 'node:net';

/**
 * Resets the connection. Not by `resetAndDestroy` while an orderly end is under way: libuv refuses that (EINVAL), the
 * handle is never closed, and a process of Node 24 that has one never ends: it turns in Environment::CleanupHandles.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
