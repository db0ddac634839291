import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LifeboatError, messageOf } from '../errors.ts';

/**
 * Writes the page of `report-html`, whole or not at all, with the rights that the umask leaves, as any file that
 * a user asks for: it is to be read by others, and holds no secret.
 */
export async function writePage(path: string, page: string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}`);
  try {
    await writeFile(temporary, page, { flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new LifeboatError(
      `report-html: ${JSON.stringify(path)} could not be written (${messageOf(error)}). Name a file in a folder that this user may write.`,
    );
  }
}
