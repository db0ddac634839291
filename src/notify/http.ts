import { setTimeout as sleep } from 'node:timers/promises';
import { VERSION } from '../version.ts';

/** A request to a service that is told something. The URL can be a secret, also its user and password. */
export interface HttpCall {
  method: 'GET' | 'POST';
  url: URL;
  contentType?: string;
  body?: string;
}

/** Milliseconds. All of it ends before `stop` does, whatever these say. */
export const TIMEOUTS = { ofTry: 10_000, pauses: [1_000, 3_000] };

/** The service was not reached, or did not take what it was sent. The message names its host, and nothing else of the URL. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
}

/**
 * Sends until it was answered with success: as many tries as there are pauses, and one more. What is not going to change
 * is not tried again. A try whose answer was late may have arrived all the same. Throws an {@link HttpError}.
 */
export async function sendRequest(call: HttpCall, stop: AbortSignal, timeouts = TIMEOUTS): Promise<void> {
  for (let tries = 1; ; tries++) {
    const problem = await tryOnce(call, stop, timeouts.ofTry);
    if (problem === null) return;
    const pause = problem.passing ? timeouts.pauses[tries - 1] : undefined;
    if (pause !== undefined) await sleep(pause, undefined, { signal: stop }).catch(() => {});
    if (pause !== undefined && !stop.aborted) continue;
    throw new HttpError(`${call.url.host} ${problem.what}${tries > 1 ? ` (tried ${tries} times)` : ''}.`);
  }
}

interface Problem {
  /** What the host did, in words. */
  what: string;
  /** It can be another time. */
  passing: boolean;
}

async function tryOnce(call: HttpCall, stop: AbortSignal, time: number): Promise<Problem | null> {
  if (stop.aborted) return { what: 'was not asked: there was no time left', passing: false };
  const signal = AbortSignal.any([stop, AbortSignal.timeout(time)]);
  try {
    const { method, url, body = null } = call;
    const answer = await fetch(withoutUser(url), {
      method,
      headers: headersOf(call),
      body,
      signal,
      redirect: 'manual',
    });
    // Nothing that they say is wanted, and it could be long.
    await answer.body?.cancel();
    return answer.ok ? null : refusalOf(answer, url);
  } catch (error) {
    if (signal.aborted) return { what: 'did not answer in time', passing: true };
    return { what: `could not be reached: ${reasonOf(error)}`, passing: true };
  }
}

/** A redirect is not followed: it would hand the secret in the URL, or the message, to whoever it names. */
function refusalOf({ status, headers }: Response, url: URL): Problem {
  const location = headers.get('location');
  if (status >= 300 && status < 400 && location !== null) {
    const host = URL.canParse(location, url.href) ? new URL(location, url.href).host : 'nowhere';
    return {
      what: `answered ${status}, a redirect to ${host}, which is not followed: give the address that it leads to`,
      passing: false,
    };
  }
  return { what: `answered ${status}`, passing: status >= 500 || [408, 425, 429].includes(status) };
}

/** fetch() refuses a URL with a user and shows all of it. */
function withoutUser(url: URL): URL {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare;
}

function headersOf({ url, contentType }: HttpCall): Record<string, string> {
  const user = [url.username, url.password].map(decodeURIComponent).join(':');
  return {
    'user-agent': `lifeboat/${VERSION}`,
    ...(contentType === undefined ? {} : { 'content-type': contentType }),
    ...(user === ':' ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` }),
  };
}

/** fetch() itself says only "fetch failed". The codes of its causes (ECONNREFUSED, ENOTFOUND, …) hold nothing of the URL. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' ? cause.code : 'no reason was given';
}
