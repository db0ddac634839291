import { createConnection, createServer, type Socket } from 'node:net';
import { resetSocket } from './reset-socket.ts';
import { parseStartup } from './startup-packet.ts';

/**
 * What can happen to a connection. `reset`: both ends see it reset. `half-open`: the server sees it reset; the client
 * keeps an open connection on which nothing comes any more. `stall`: both keep an open connection; nothing passes.
 */
export type TcpFault = 'reset' | 'half-open' | 'stall';

/** A proxy in front of PostgreSQL whose connections can be spoiled. */
export interface TcpProxy {
  host: string;
  port: number;
  /** Every connection until now whose client has said who it is. */
  connections: ProxiedConnection[];
  /** Adds a rule. Of several that fit a connection the first that is not used up counts. */
  when(which: (startup: StartupParameters) => boolean, fault: TcpFault, limits?: TcpRuleLimits): void;
  /** Closes the port: new connections are refused. Those that are open stay. */
  refuse(): void;
  /** Opens the port again. */
  accept(): Promise<void>;
  /** Closes the port and resets every connection. */
  stop(): void;
}

/** `user`, `database`, `application_name` (that of pg_dump is `pg_dump`, unless PGAPPNAME says otherwise). */
export type StartupParameters = Record<string, string>;

export interface ProxiedConnection {
  startup: StartupParameters;
  /** Bytes from the server that were handed on. */
  received: number;
  spoiled: TcpFault | null;
  /** Whether the client's side is open. */
  open: boolean;
}

export interface TcpRuleLimits {
  /** Hands on this many bytes from the server first; default 0: it is spoiled when the client has said who it is. */
  afterBytes?: number;
  /** Spoils this many connections; default: all. */
  times?: number;
}

interface Rule {
  fits(startup: StartupParameters): boolean;
  fault: TcpFault;
  afterBytes: number;
  times: number;
}

/** Starts a proxy on a random port of 127.0.0.1. It ends with this process, at the latest. */
export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const rules: Rule[] = [];
  const connections: ProxiedConnection[] = [];
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    const server = createConnection(target);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    join(client, server, connections, rules);
  });
  const accept = (port: number) => new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
  await accept(0);
  const { port } = listener.address() as { port: number };
  return {
    host: '127.0.0.1',
    port,
    connections,
    when: (fits, fault, { afterBytes = 0, times = Number.POSITIVE_INFINITY } = {}) => {
      rules.push({ fits, fault, afterBytes, times });
    },
    refuse: () => void listener.close(),
    accept: () => accept(port),
    stop: () => {
      listener.close();
      for (const socket of sockets) resetSocket(socket);
    },
  };
}

/** Hands on what each end sends to the other, until a rule says otherwise. */
function join(client: Socket, server: Socket, connections: ProxiedConnection[], rules: Rule[]): void {
  let sent = Buffer.alloc(0);
  let connection: ProxiedConnection | null = null;
  let rule: Rule | null = null;

  const spoilWhenDue = () => {
    if (connection === null || rule === null || connection.spoiled !== null) return;
    if (connection.received < rule.afterBytes) return;
    connection.spoiled = rule.fault;
    spoil(client, server, rule.fault);
  };

  client.on('data', (chunk: Buffer) => {
    if (connection?.spoiled) return;
    if (!server.write(chunk)) client.pause();
    if (connection !== null) return;
    sent = Buffer.concat([sent, chunk]);
    const startup = parseStartup(sent);
    if (startup === null) return;
    connection = { startup, received: 0, spoiled: null, open: true };
    connections.push(connection);
    rule = takeRule(rules, startup);
    spoilWhenDue();
  });

  server.on('data', (chunk: Buffer) => {
    if (connection?.spoiled) return;
    const limit = connection === null || rule === null ? chunk.length : rule.afterBytes - connection.received;
    const kept = chunk.subarray(0, limit);
    if (connection !== null) connection.received += kept.length;
    if (!client.write(kept, spoilWhenDue)) server.pause();
  });

  server.on('drain', () => client.resume());
  client.on('drain', () => server.resume());
  client.on('close', () => {
    if (connection !== null) connection.open = false;
  });
  handOnTheEnd(client, server);
  handOnTheEnd(server, client);
}

function handOnTheEnd(from: Socket, to: Socket): void {
  from.on('end', () => to.end());
  from.on('error', () => to.destroy());
}

function takeRule(rules: Rule[], startup: StartupParameters): Rule | null {
  const rule = rules.find(({ fits, times }) => times > 0 && fits(startup));
  if (rule === undefined) return null;
  rule.times--;
  return rule;
}

function spoil(client: Socket, server: Socket, fault: TcpFault): void {
  if (fault === 'stall') {
    client.pause();
    server.pause();
    return;
  }
  resetSocket(server);
  if (fault === 'reset') resetSocket(client);
}
