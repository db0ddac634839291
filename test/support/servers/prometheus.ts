import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { answersHttp, startDaemon, waitUntilReady } from './daemon.ts';
import { execute } from './execute.ts';
import { freePort } from './free-port.ts';
import { runFolder } from './run.ts';

/** Throws with what promtool has to say about a text of metrics: its syntax, and Prometheus's conventions. */
export async function checkMetrics(text: string): Promise<void> {
  await execute('promtool', ['check', 'metrics'], { input: text });
}

/** Throws when a file of rules is not one, or an expression in it. */
export async function checkRules(file: string): Promise<string> {
  return execute('promtool', ['check', 'rules', file]);
}

/** Runs unit tests of rules; throws with what differs. */
export async function testRules(file: string): Promise<string> {
  return execute('promtool', ['test', 'rules', file]);
}

/** A server whose metrics Prometheus would scrape. */
export interface Exporter {
  url: string;
  /** What Prometheus would see: the series of that prefix, and errors of the exporter itself. */
  scrape(prefix: string): Promise<string[]>;
}

/** Starts a Pushgateway that keeps what it is sent in memory. It ends with the test run. */
export async function startPushgateway(): Promise<Exporter> {
  // Debian's keeps them for the next one, in a file of the machine.
  return start('prometheus-pushgateway', ['--persistence.file=']);
}

/** Starts a node_exporter that reads *.prom files of the folder, and nothing else of the machine. It ends with the test run. */
export async function startNodeExporter(folder: string): Promise<Exporter> {
  const collectors = ['--collector.disable-defaults', '--collector.textfile'];
  return start('prometheus-node-exporter', [...collectors, `--collector.textfile.directory=${folder}`]);
}

async function start(program: string, args: string[]): Promise<Exporter> {
  const cwd = mkdtempSync(join(runFolder(), `${program}-`));
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const options = { cwd, logFile: join(cwd, 'log') };
  const daemon = await startDaemon(program, [`--web.listen-address=${address}`, ...args], options);
  await waitUntilReady(daemon, () => answersHttp(`${url}/metrics`));
  return {
    url,
    scrape: async (prefix) => {
      const answer = await fetch(`${url}/metrics`);
      const lines = (await answer.text()).split('\n');
      return lines.filter((line) => line.startsWith(prefix));
    },
  };
}
