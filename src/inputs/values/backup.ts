import { LifeboatError } from '../../errors.ts';
import { isId } from '../../formats/id.ts';
import { quote } from '../../text.ts';

/** Which backup of a set a command uses. */
export function parseBackup(text: string): string {
  if (text === 'latest' || text === 'latest-proven' || isId(text)) return text;
  throw new LifeboatError(
    `${quote(text)} is not a backup. Write latest, latest-proven, or an id such as 20261121T020000Z-7f3a91c2.`,
  );
}
