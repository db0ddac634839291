import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { runFolder, serverEnvironment } from './run.ts';

/** What a real browser makes of a page. */
export interface Page {
  title: string;
  /** As a person sees it: the text of the rendered page, cells of a table's row apart by tabs. */
  text: string;
  /** Pictures that are drawn in the page itself, with how many bars can be seen. */
  charts: { label: string; bars: number }[];
  scripts: number;
  images: number;
  /** Something hangs out at the side. */
  overflows: boolean;
  /** Errors, warnings and what scripts print. */
  console: string[];
  /** Every address that was asked for. */
  requests: string[];
}

/** The background services of a browser look for Google's hosts at every start. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--window-size=1000,1400',
  '--remote-debugging-pipe',
];

const SEEN = `({
  title: document.title,
  text: document.body.innerText,
  charts: [...document.querySelectorAll('figure')].map((figure) => ({
    label: figure.querySelector('figcaption').innerText,
    bars: [...figure.querySelectorAll('rect')].filter((bar) => bar.getBoundingClientRect().height > 1).length,
  })),
  scripts: document.querySelectorAll('script').length,
  images: document.querySelectorAll('img').length,
  overflows: document.documentElement.scrollWidth > document.documentElement.clientWidth,
})`;

/** Opens a file in Chromium, and tells what is to be seen. */
export function render(file: string): Promise<Page> {
  return withChromium(async (tools) => {
    const console: string[] = [];
    const requests: string[] = [];
    tools.on('Runtime.consoleAPICalled', ({ args }) => console.push(JSON.stringify(args)));
    tools.on('Runtime.exceptionThrown', ({ exceptionDetails }) => console.push(JSON.stringify(exceptionDetails)));
    tools.on('Log.entryAdded', ({ entry }) => console.push(JSON.stringify(entry)));
    tools.on('Network.requestWillBeSent', ({ request }) => requests.push((request as { url: string }).url));
    const ask = await open(tools, file);
    const { result } = await ask('Runtime.evaluate', { expression: SEEN, returnByValue: true });
    return { ...(result as { value: Omit<Page, 'console' | 'requests'> }).value, console, requests };
  });
}

/** Everything of a page, however long, as PNG: so many CSS pixels wide, with two points for each. */
export function photograph(file: string, { width, dark }: { width: number; dark: boolean }): Promise<Buffer> {
  return withChromium(async (tools) => {
    const ask = await open(tools, file, async (ask) => {
      const media = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }];
      await ask('Emulation.setEmulatedMedia', { features: media });
      await ask('Emulation.setScrollbarsHidden', { hidden: true });
      await ask('Emulation.setDeviceMetricsOverride', { width, height: 1, deviceScaleFactor: 2, mobile: false });
    });
    const { data } = await ask('Page.captureScreenshot', {
      format: 'png',
      captureBeyondViewport: true,
      clip: await sizeOf(ask),
    });
    return Buffer.from(data as string, 'base64');
  });
}

async function sizeOf(ask: Ask): Promise<Fields> {
  const { cssContentSize } = await ask('Page.getLayoutMetrics');
  return { ...(cssContentSize as Fields), scale: 1 };
}

async function withChromium<T>(act: (tools: DevTools) => Promise<T>): Promise<T> {
  const profile = mkdtempSync(join(runFolder(), 'chromium-'));
  const child = spawn('chromium', [...FLAGS, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    env: serverEnvironment(),
  });
  const ended = once(child, 'exit');
  try {
    await once(child, 'spawn');
    return await act(new DevTools(child.stdio[3] as Writable, child.stdio[4] as Readable));
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

/** Asks the page that was opened. */
type Ask = (method: string, params?: Fields) => Promise<Fields>;

/** Opens a file in a page of its own; resolves when it is loaded. */
async function open(tools: DevTools, file: string, before: (ask: Ask) => Promise<void> = async () => {}): Promise<Ask> {
  const loaded = new Promise((resolve) => tools.on('Page.loadEventFired', resolve));
  const { targetId } = await tools.ask('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await tools.ask('Target.attachToTarget', { targetId, flatten: true });
  const ask: Ask = (method, params = {}) => tools.ask(method, params, sessionId as string);
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await ask(`${domain}.enable`);
  await before(ask);
  await ask('Page.navigate', { url: `file://${file}` });
  await loaded;
  return ask;
}

type Fields = Record<string, unknown>;

/** The DevTools protocol over a pipe: messages in JSON, each ended by a zero byte. */
class DevTools {
  readonly #input: Writable;
  readonly #waiting = new Map<number, { resolve(result: Fields): void; reject(error: Error): void }>();
  readonly #listeners: { method: string; act(params: Fields): void }[] = [];
  #last = 0;

  constructor(input: Writable, output: Readable) {
    this.#input = input;
    let rest = '';
    output.setEncoding('utf8').on('data', (text: string) => {
      const messages = `${rest}${text}`.split('\0');
      rest = messages.pop() ?? '';
      for (const message of messages) this.#take(JSON.parse(message));
    });
    output.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('Chromium has ended'));
    });
  }

  on(method: string, act: (params: Fields) => void): void {
    this.#listeners.push({ method, act });
  }

  ask(method: string, params: Fields, sessionId?: string): Promise<Fields> {
    const id = ++this.#last;
    this.#input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #take({
    id,
    method,
    params,
    result,
    error,
  }: {
    id?: number;
    method: string;
    params: Fields;
    result: Fields;
    error?: Fields;
  }): void {
    if (id === undefined) {
      for (const listener of this.#listeners) if (listener.method === method) listener.act(params);
      return;
    }
    if (error === undefined) this.#waiting.get(id)?.resolve(result);
    else this.#waiting.get(id)?.reject(new Error(JSON.stringify(error)));
    this.#waiting.delete(id);
  }
}
