import { getExecOutput } from '@actions/exec';
import { messageOf } from '../../errors.ts';

/**
 * What is asked of the Actions cache. `look-up`: is there an entry? `fetch`: bring it into the folder. `save`: keep what is
 * in the folder.
 */
export type CacheRequest = 'look-up' | 'fetch' | 'save';

/** `nothing`: there is no such entry; or none was made, for another run was quicker or this one may not. */
export type CacheOutcome = 'done' | 'nothing';

/** The argument that makes the bundle this process; the request and the entry's key follow. */
export const CACHE_PROCESS = 'actions-cache';

/** What begins the line that tells the outcome. */
export const OUTCOME = 'lifeboat-outcome: ';

/**
 * The package extracts archives with `tar --absolute-names`: an entry that an attacker has prepared would write over any
 * file (actions/toolkit, issue 1927). GNU tar reads further options from TAR_OPTIONS; these leave of every name, and of
 * every link's target, the last part alone, so that all of it ends in the folder. They hold no backslash, which is an
 * escape there.
 */
const NAMES_ALONE = '--no-same-owner --no-same-permissions --transform=s,.*/,,;s,^[.]*$,none,';

/**
 * The other end of `askActionsCache`: `@actions/cache` in a process of its own, because its calls cannot be cancelled,
 * write annotations, and pass their environment on to tar and zstd. It works in GITHUB_WORKSPACE.
 */
export async function serveCacheRequest([request = '', key = '']: string[]): Promise<void> {
  try {
    process.chdir(process.env.GITHUB_WORKSPACE ?? '');
    console.log(OUTCOME + (await outcomeOf(request as CacheRequest, key)));
  } catch (error) {
    console.error(messageOf(error));
    process.exitCode = 1;
  }
}

async function outcomeOf(request: CacheRequest, key: string): Promise<CacheOutcome> {
  const { isFeatureAvailable, restoreCache, saveCache } = await import('@actions/cache');
  if (!isFeatureAvailable()) throw new Error('this runner offers none');
  await requireGnuTar();
  // An entry is found by these too, so they are the same on every runner.
  const paths = ['*'];
  if (request === 'save') return (await saveCache(paths, key)) > 0 ? 'done' : 'nothing';
  process.env.TAR_OPTIONS = NAMES_ALONE;
  return (await restoreCache(paths, key, [], { lookupOnly: request === 'look-up' })) === key ? 'done' : 'nothing';
}

async function requireGnuTar(): Promise<void> {
  const { stdout } = await getExecOutput('tar', ['--version'], { silent: true, ignoreReturnCode: true });
  if (!stdout.includes('GNU tar')) throw new Error('it needs GNU tar');
}
