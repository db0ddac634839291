import { type Readable, Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Exchange, type HttpFault, passThrough } from './http-proxy.ts';

/** Faults for an HttpProxy's rules. The server is asked only where that is said. */

/** Answers with an error of S3, after it has read the request: `answer(503, 'SlowDown')`. Status 200 works too. */
export function answer(status: number, code: string): HttpFault {
  return async ({ request, response }) => {
    await drain(request);
    const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>fault</Message></Error>`;
    response.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? '' : body);
  };
}

export const slowDown = answer(503, 'SlowDown');
export const internalError = answer(500, 'InternalError');
export const expiredToken = answer(400, 'ExpiredToken');
export const accessDenied = answer(403, 'AccessDenied');
export const notFound = answer(404, 'NoSuchKey');
export const methodNotAllowed = answer(405, 'MethodNotAllowed');
/** What CompleteMultipartUpload may answer, after it has already sent the status. */
export const errorWithStatus200 = answer(200, 'InternalError');

/** Resets the connection at once. */
export async function drop(exchange: Exchange): Promise<void> {
  exchange.drop();
}

/** Lets the request through to the server up to this many bytes of its body, then resets both connections. */
export function dropRequestAfter(bytes: number): HttpFault {
  return async (exchange) => {
    await exchange.reply(await exchange.forward(exchange.request.pipe(failingAfter(bytes))));
  };
}

/** The server is asked; the client gets the headers and at most this many bytes of the answer, then a reset. */
export function dropResponseAfter(bytes: number): HttpFault {
  return async (exchange) => {
    const reply = await exchange.forward();
    await exchange.reply(reply, { body: reply.pipe(failingAfter(bytes)) });
  };
}

/** The server is asked, and does it; the client never hears of it: its connection is reset. */
export async function swallowReply(exchange: Exchange): Promise<void> {
  await drain(await exchange.forward());
  exchange.drop();
}

/** Asks the server that many milliseconds later. */
export function delay(milliseconds: number): HttpFault {
  return async (exchange) => {
    await sleep(milliseconds);
    await passThrough(exchange);
  };
}

/** The server is asked; one byte of its answer, counted from 0, gets another value. */
export function flipByte(position: number): HttpFault {
  return async (exchange) => {
    const reply = await exchange.forward();
    let seen = 0;
    const flip = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        const index = position - seen;
        if (index >= 0 && index < chunk.length) chunk.writeUInt8(chunk.readUInt8(index) ^ 0x01, index);
        seen += chunk.length;
        done(null, chunk);
      },
    });
    await exchange.reply(reply, { body: reply.pipe(flip) });
  };
}

/** The server is asked; its answer is cut, and its Content-Length says so: HTTP sees nothing wrong. */
export function truncateTo(bytes: number): HttpFault {
  return async (exchange) => {
    const reply = await exchange.forward();
    let left = bytes;
    const cut = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        const kept = chunk.subarray(0, left);
        left -= kept.length;
        done(null, kept);
      },
    });
    await exchange.reply(reply, { body: reply.pipe(cut), headers: { 'content-length': String(bytes) } });
  };
}

/** The server is asked; its clock, as its answer shows it, is off by that many milliseconds. */
export function skewDate(milliseconds: number): HttpFault {
  return async (exchange) => {
    const date = new Date(Date.now() + milliseconds).toUTCString();
    await exchange.reply(await exchange.forward(), { headers: { date } });
  };
}

/** Reads nothing and answers nothing, until the client gives up. */
export async function stall({ response }: Exchange): Promise<void> {
  await finished(response);
}

/** The proxy closes its port and every connection. */
export async function die(exchange: Exchange): Promise<void> {
  await exchange.die();
}

function failingAfter(bytes: number): Transform {
  let left = bytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      this.push(chunk.subarray(0, left));
      left -= chunk.length;
      // What was pushed goes out first.
      if (left > 0) done();
      else setImmediate(() => done(new Error(`cut after ${bytes} bytes`)));
    },
  });
}

async function drain(stream: Readable): Promise<void> {
  await finished(stream.resume());
}
