import { dirname } from 'node:path';
import { runTool, ToolError } from '../../process/child.ts';
import { formatDuration } from '../../units.ts';
import type { RepositoryContext } from '../context.ts';
import { CACHE_PROCESS, type CacheOutcome, type CacheRequest, OUTCOME } from './actions-cache-process.ts';

/** Of our environment, what the package needs to reach the service; no input, and no secret but its token. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'ACTIONS_CACHE_MODE',
  'ACTIONS_CACHE_SERVICE_V2',
  'ACTIONS_CACHE_URL',
  'ACTIONS_RESULTS_URL',
  'ACTIONS_RUNTIME_TOKEN',
  'GITHUB_SERVER_URL',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'NODE_EXTRA_CA_CERTS',
];

export interface CacheQuestion {
  request: CacheRequest;
  key: string;
  /** Holds what is kept or brought, and nothing else; the archives lie beside it. */
  folder: string;
  /** Milliseconds. */
  within: number;
}

/** Asks the Actions cache. Throws an error whose message is the reason alone. */
export async function askActionsCache(
  { request, key, folder, within }: CacheQuestion,
  run: RepositoryContext,
): Promise<CacheOutcome> {
  const env = Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name] ?? '']).filter(([, value]) => value));
  const late = AbortSignal.timeout(within);
  try {
    const said = await runTool(
      {
        name: '@actions/cache',
        command: process.execPath,
        args: [process.argv[1] ?? '', CACHE_PROCESS, request, key],
        env: { ...env, GITHUB_WORKSPACE: folder, RUNNER_TEMP: dirname(folder) },
        group: true,
      },
      { signal: AbortSignal.any([run.signal, late]), track: run.track },
    );
    return outcomeIn(said.toString('utf8'));
  } catch (error) {
    run.signal.throwIfAborted();
    if (late.aborted) throw new Error(`it took longer than ${formatDuration(within)}`);
    throw error instanceof ToolError ? new Error(withoutSignatures(error.stderr || error.message)) : error;
  }
}

/** The package makes a warning of what goes wrong, and goes on. */
function outcomeIn(said: string): CacheOutcome {
  const outcome = said
    .split('\n')
    .findLast((line) => line.startsWith(OUTCOME))
    ?.slice(OUTCOME.length);
  const [, complaint] = /^::(?:warning|error)\b[^:]*::(.*)$/m.exec(said) ?? [];
  if (outcome !== 'done' && complaint !== undefined) throw new Error(withoutSignatures(unescapeText(complaint)));
  return outcome as CacheOutcome;
}

/** As @actions/core escapes the text of a command; on one line. */
function unescapeText(text: string): string {
  return text.replaceAll(/%0[AD]/g, ' ').replaceAll('%25', '%');
}

/** A URL that is signed is a secret as long as it is valid. */
function withoutSignatures(text: string): string {
  return text.replace(/\?\S+/g, '?…');
}
