import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { resetSocket } from './reset-socket.ts';

/** A service on the other side of a webhook or heartbeat: a real HTTP server that is as good or bad as it is told to be. */
export interface HttpService {
  /** Its address, without a slash at the end. */
  url: string;
  /** Its host and port. */
  host: string;
  /** Whatever has arrived, in order. */
  requests: ReceivedRequest[];
  /** How it answers from now on; after each of several in turn, the last stays. */
  answers(...answers: Answer[]): void;
  stop(): Promise<void>;
}

export interface ReceivedRequest {
  method: string;
  /** With the query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export type Answer = (response: ServerResponse) => void | Promise<void>;

/** Starts one on a random port of 127.0.0.1, which takes everything at first. A test that fails need not stop it. */
export async function startHttpService(): Promise<HttpService> {
  const requests: ReceivedRequest[] = [];
  let queue: Answer[] = [status(200)];
  const server = createServer(async (request, response) => {
    const { method = '', url: path = '', headers } = request;
    // A client may go away while it sends.
    const body = await text(request).catch(() => '');
    requests.push({ method, path, headers, body });
    await (queue.length > 1 ? queue.shift() : queue[0])?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    requests,
    answers: (...answers) => {
      queue = answers;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function status(code: number): Answer {
  return (response) => void response.writeHead(code).end(`status ${code}\n`);
}

export function redirect(code: number, location: string): Answer {
  return (response) => void response.writeHead(code, { location }).end();
}

/** Milliseconds. */
export function slow(time: number): Answer {
  return async (response) => {
    await sleep(time);
    response.writeHead(200).end();
  };
}

export const never: Answer = () => {};

export const reset: Answer = (response) => {
  if (response.socket) resetSocket(response.socket);
};

/** Success, and a body that does not end. */
export const endless: Answer = (response) => {
  response.writeHead(200);
  const timer = setInterval(() => response.write('more\n'), 10).unref();
  response.on('close', () => clearInterval(timer));
};
