import { isIP } from 'node:net';

/** Whether a host is this machine, by its loopback interface: what is sent there passes no network. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
