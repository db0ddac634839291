import type { StoreLocation } from '../../store/location.ts';
import { quote } from '../../text.ts';
import type { Environment, InputLog } from '../schema.ts';

/** Warns of folders that do not outlive the job. */
export function warnOfFleetingStores(stores: StoreLocation[], env: Environment, log: InputLog): void {
  const swept = [env.GITHUB_WORKSPACE, env.RUNNER_TEMP].filter((folder) => folder !== undefined && folder !== '');
  for (const store of stores) {
    if (store.kind !== 'file') continue;
    if (env.RUNNER_ENVIRONMENT === 'github-hosted') {
      log.warning(
        `store: ${quote(store.url)} is on a GitHub-hosted runner, whose disk is gone when the job ends. Copy it away, or use an s3: or ssh: store.`,
      );
    } else if (swept.some((folder) => `${store.path}/`.startsWith(`${folder}/`))) {
      log.warning(
        `store: ${quote(store.url)} lies in a folder that the runner empties (the next checkout, the next job). Use one outside.`,
      );
    }
  }
}
