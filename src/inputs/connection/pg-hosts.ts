import { isIP } from 'node:net';
import { isLoopback } from '../../loopback.ts';
import type { PgParameters } from './pg-parameters.ts';

/** One of the servers that libpq tries in turn. */
export interface PgHost {
  /** A name, an address, the folder of a socket; empty: the default socket. */
  host: string;
  /** An address that makes looking up the name needless. */
  address: string;
  port: string;
}

/** Host, address and port of each server. The lists must have been checked. */
export function hostsOf(parameters: PgParameters): PgHost[] {
  const [names, addresses, ports] = [
    listValue(parameters, 'host'),
    listValue(parameters, 'hostaddr'),
    listValue(parameters, 'port'),
  ];
  return Array.from({ length: Math.max(names.length, addresses.length, 1) }, (_, index) => ({
    host: names[index] ?? '',
    address: addresses[index] ?? '',
    port: (ports.length > 1 ? ports[index] : ports[0]) || '5432',
  }));
}

/** Whether a connection stays on this machine: a socket, or the loopback interface. */
export function isLocal({ host, address }: PgHost): boolean {
  const target = address || host;
  return isSocket(target) || isLoopback(target);
}

/** Calls `complain` for whatever is wrong with the lists of hosts, addresses and ports. */
export function checkHosts(parameters: PgParameters, complain: (keyword: string, predicate: string) => void): void {
  const [names, addresses, ports] = [
    listValue(parameters, 'host'),
    listValue(parameters, 'hostaddr'),
    listValue(parameters, 'port'),
  ];
  if (names.length > 0 && addresses.length > 0) {
    if (parameters.origin('host') !== parameters.origin('hostaddr')) {
      complain('hostaddr', 'would lead past the host that is given elsewhere. Remove one of the two.');
    } else if (names.length !== addresses.length) {
      complain('hostaddr', `has ${addresses.length} entries and host has ${names.length}. Give as many of each.`);
    }
  }
  if (names.some((name) => !isSocket(name) && !/^[\p{L}\p{N}._:%-]+$/u.test(name))) {
    complain('host', 'is not a host name, an address or the folder of a socket. Correct it.');
  }
  if (addresses.some((address) => address !== '' && isIP(address) === 0)) {
    complain('hostaddr', 'is not an IP address. Write one, or use host for a name.');
  }
  const count = Math.max(names.length, addresses.length, 1);
  if (ports.length > 1 && ports.length !== count) {
    complain('port', `has ${ports.length} entries for ${count} hosts. Give one for all, or one for each.`);
  }
  if (ports.some((port) => port !== '' && !isPort(port))) {
    complain('port', 'is not a port. Write a number from 1 to 65535.');
  }
}

function listValue(parameters: PgParameters, keyword: string): string[] {
  return parameters.value(keyword)?.split(',') ?? [];
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;
}

/** libpq takes a path for the folder of a Unix socket, `@` for an abstract one, and nothing for the default folder. */
function isSocket(host: string): boolean {
  return host === '' || host.startsWith('/') || host.startsWith('@');
}
