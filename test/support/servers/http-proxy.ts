import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { resetSocket } from './reset-socket.ts';
import { s3OperationOf } from './s3-operation.ts';

/**
 * A proxy in front of a real S3 server that hands requests and answers on untouched, `Host` header included, so that
 * signatures stay valid; but for those that a rule spoils.
 */
export interface HttpProxy {
  /** What the client is given as the S3 server's address. */
  endpoint: string;
  /** Every request until now, in the order of their arrival. */
  requests: RecordedRequest[];
  /** Adds a rule. Of several that fit a request the first that is not used up counts. */
  when(which: Which, fault: HttpFault, limits?: RuleLimits): void;
  /** Forgets the rules and the requests. */
  reset(): void;
  /** Closes the port and every connection at once, as a server that is killed. */
  die(): Promise<void>;
}

export interface RecordedRequest {
  /** Such as `UploadPart`: the name in Amazon's API reference. */
  operation: string;
  method: string;
  /** Percent-encoded, as sent. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** What the client was answered; null: nothing (yet). */
  readonly status: number | null;
}

/** Operations by name, or a condition. */
export type Which = string | string[] | ((request: RecordedRequest) => boolean);

export interface RuleLimits {
  /** Lets this many fitting requests pass first; default 0. */
  after?: number;
  /** Spoils this many; default: all that follow. */
  times?: number;
}

/** Deals with a request in another way than handing it on: see http-faults.ts. */
export type HttpFault = (exchange: Exchange) => Promise<void>;

/** One request, and what a fault can do with it. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** Asks the server; resolves with its answer, whose body has not been read. */
  forward(body?: Readable): Promise<IncomingMessage>;
  /** Answers the client with the server's answer, whole, or with a changed body and changed headers. */
  reply(answer: IncomingMessage, changed?: { body?: Readable; headers?: Record<string, string> }): Promise<void>;
  /** Resets the client's connection. */
  drop(): void;
  die(): Promise<void>;
}

interface Rule {
  fits(request: RecordedRequest): boolean;
  fault: HttpFault;
  after: number;
  times: number;
}

/** Starts a proxy on a random port of 127.0.0.1. It ends with this process, at the latest. */
export async function startHttpProxy(target: string): Promise<HttpProxy> {
  const requests: RecordedRequest[] = [];
  const rules: Rule[] = [];
  const server = createServer((request, response) => {
    const record = recordOf(request, response);
    requests.push(record);
    const exchange = exchangeOf(target, request, response, () => close(server));
    const fault = faultFor(record, rules) ?? passThrough;
    // A connection that ends midway, on either side: so it does on the other.
    fault(exchange).catch(() => exchange.drop());
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    when: (which, fault, { after = 0, times = Number.POSITIVE_INFINITY } = {}) => {
      rules.push({ fits: conditionOf(which), fault, after, times });
    },
    reset: () => {
      requests.length = 0;
      rules.length = 0;
    },
    die: () => close(server),
  };
}

/** How many requests of each operation there were. */
export function countOperations(requests: Pick<RecordedRequest, 'operation'>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { operation } of requests) counts[operation] = (counts[operation] ?? 0) + 1;
  return counts;
}

/** No fault. */
export async function passThrough(exchange: Exchange): Promise<void> {
  await exchange.reply(await exchange.forward());
}

function faultFor(record: RecordedRequest, rules: Rule[]): HttpFault | null {
  for (const rule of rules.filter(({ fits }) => fits(record))) {
    if (rule.after > 0) {
      rule.after--;
    } else if (rule.times > 0) {
      rule.times--;
      return rule.fault;
    }
  }
  return null;
}

function conditionOf(which: Which): (request: RecordedRequest) => boolean {
  if (typeof which === 'function') return which;
  const operations = [which].flat();
  return ({ operation }) => operations.includes(operation);
}

function recordOf(request: IncomingMessage, response: ServerResponse): RecordedRequest {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const method = request.method ?? '';
  const parameters = new URLSearchParams(query);
  return {
    operation: s3OperationOf(method, path, parameters),
    method,
    path,
    query: parameters,
    headers: request.headers,
    get status() {
      return response.headersSent ? response.statusCode : null;
    },
  };
}

function exchangeOf(
  target: string,
  request: IncomingMessage,
  response: ServerResponse,
  die: () => Promise<void>,
): Exchange {
  return {
    request,
    response,
    forward: (body = request) => forward(target, request, response, body),
    reply: async (answer, { body = answer, headers = {} } = {}) => {
      response.writeHead(answer.statusCode ?? 0, answer.statusMessage, [
        ...withoutHeaders(answer.rawHeaders, [...HOP_BY_HOP, ...Object.keys(headers)]),
        ...Object.entries(headers).flat(),
      ]);
      await pipeline(body, response);
    },
    drop: () => resetSocket(request.socket),
    die,
  };
}

function forward(
  target: string,
  request: IncomingMessage,
  response: ServerResponse,
  body: Readable,
): Promise<IncomingMessage> {
  const send = target.startsWith('https:') ? httpsRequest : httpRequest;
  const { method, url = '/' } = request;
  const headers = withoutHeaders(request.rawHeaders, HOP_BY_HOP);
  return new Promise((resolve, reject) => {
    const onward = send(new URL(url, target), { method, path: url, headers, agent: false }, resolve);
    onward.on('error', reject);
    response.once('close', () => onward.destroy());
    body.once('error', (error) => onward.destroy(error));
    body.pipe(onward);
  });
}

/** They are between the ends of one connection; ours to the server is not the client's to us. */
const HOP_BY_HOP = ['connection', 'keep-alive'];

/** Headers as Node gives and takes them raw: name, value, name, value; case and order are kept. */
function withoutHeaders(raw: string[], names: string[]): string[] {
  const pairs = raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : []));
  return pairs.filter(([name = '']) => !names.includes(name.toLowerCase())).flat();
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
