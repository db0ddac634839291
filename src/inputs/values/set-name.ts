import { LifeboatError } from '../../errors.ts';
import { isSetName } from '../../formats/names.ts';
import { quote } from '../../text.ts';

/** The name of a set of backups, which is a folder in every store. */
export function parseSetName(text: string): string {
  if (isSetName(text)) return text;
  throw new LifeboatError(
    `${quote(text)} is not a name of a set. Write 1 to 63 letters, digits, dots, underscores or hyphens, the first a letter or a digit, such as shop-production.`,
  );
}
