import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FIRST_LINE } from './metrics-text.ts';

/** The text of a file that is ours; empty when there is none yet. Throws when it is somebody else's, or cannot be read. */
export async function readMetricsFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  if (text === '' || text.startsWith(`${FIRST_LINE}\n`)) return text;
  throw new Error(`${JSON.stringify(path)} is there and was not written by Lifeboat. Name another file.`);
}

/**
 * Writes it whole or not at all: node_exporter may read at any moment. It reads `*.prom` only, so not the temporary file,
 * and as another user, so everybody may read it.
 */
export async function writeMetricsFile(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx', 0o644);
    try {
      await file.writeFile(text);
      await file.chmod(0o644); // Whatever the umask is.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
