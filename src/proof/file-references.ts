import { formatCount } from '../units.ts';
import { type Compared, emptyComparison } from './circumstances.ts';

/** So many missing paths are named. */
const MOST_NAMED = 10;

/**
 * Whether every file that the restored database names is in the restored tree. `rows` come some at a time, because
 * there can be more of them than fit into memory.
 */
export async function compareReferences(
  label: string,
  rows: AsyncIterable<Record<string, unknown>[]>,
  isThere: (path: string) => boolean,
): Promise<Compared> {
  const result = emptyComparison();
  const fail = (message: string) =>
    result.findings.push({ severity: 'failed', kind: 'file reference', object: label, message });
  let named = 0;
  const missing: string[] = [];
  let missingCount = 0;
  try {
    for await (const some of rows) {
      for (const row of some) {
        const [path = null] = Object.values(row);
        if (path === null || path === '') continue;
        named++;
        if (isThere(String(path))) continue;
        missingCount++;
        if (missing.length < MOST_NAMED) missing.push(JSON.stringify(path));
      }
    }
  } catch (error) {
    fail(`Its query failed: ${(error as Error).message}.`);
    return result;
  }
  if (missingCount > 0) {
    const more = missingCount > missing.length ? ` and ${formatCount(missingCount - missing.length)} more` : '';
    fail(
      `Not in the tree are ${formatCount(missingCount)} of the ${formatCount(named)} files that the database names: ${missing.join(', ')}${more}.`,
    );
  } else
    result.verified.push(
      `File tree ${label}: every file that the database names is in it, ${formatCount(named)} in all`,
    );
  return result;
}
