import { type HttpCall, sendRequest, TIMEOUTS } from './http.ts';

/**
 * What is told to a service that alarms when it hears nothing: the URL itself for success, `/start` and `/fail` below
 * it, as healthchecks.io has them (Healthchecks.io, "Pinging API"). GET: every such service takes it.
 */
export type Beat = 'start' | 'success' | 'fail';

/** A start is tried once: nothing depends on it, and the end waits for it. Milliseconds. */
const START_TIMEOUTS = { ofTry: 5_000, pauses: [] };

/** Throws an HttpError. */
export function sendBeat(url: URL, beat: Beat, stop: AbortSignal): Promise<void> {
  const call: HttpCall = { method: 'GET', url: beatUrl(url, beat) };
  return sendRequest(call, stop, beat === 'start' ? START_TIMEOUTS : TIMEOUTS);
}

function beatUrl(url: URL, beat: Beat): URL {
  if (beat === 'success') return url;
  const below = new URL(url);
  below.pathname = `${url.pathname.replace(/\/+$/, '')}/${beat}`;
  return below;
}
