import { LifeboatError } from '../../errors.ts';
import { hasControlCharacter, quote } from '../../text.ts';
import { hasOddSegment } from '../url-text.ts';

/** A folder of a remote in the user's own rclone configuration. */
export interface RcloneLocation {
  kind: 'rclone';
  url: string;
  /** Its name in the configuration. */
  remote: string;
  /** Without slashes at its end; may be empty, and may begin with one. */
  path: string;
}

const HOW_TO_WRITE = 'Write rclone:remote:path, the remote as `rclone listremotes` shows it.';

/** `rclone:remote:path`, what stands behind the scheme. The path is taken as it stands: rclone decodes nothing. */
export function parseRcloneUrl(line: string, rest: string): RcloneLocation {
  const wrong = (what: string) => new LifeboatError(`${quote(line)} ${what}. ${HOW_TO_WRITE}`);
  const [, remote, path = ''] = /^([^:]*):(.*)$/s.exec(rest.replace(/^\/\//, '')) ?? [];
  if (remote === '') {
    // Such a remote carries its keys in its name.
    throw new LifeboatError(
      `a remote without a name (not shown): its keys would stand in the URL. Give it a name in rclone's configuration, or in the environment as RCLONE_CONFIG_NAME_TYPE and so on. ${HOW_TO_WRITE}`,
    );
  }
  if (remote === undefined) throw wrong('has no colon behind the remote');
  if (remote.includes(',')) {
    throw new LifeboatError(
      `a remote with options behind its name (not shown). Write them into rclone's configuration. ${HOW_TO_WRITE}`,
    );
  }
  if (!/^[\p{L}\p{N}_.+@][\p{L}\p{N}_.+@ -]*$/u.test(remote)) throw wrong('is not the name of a remote');
  const folder = path.replace(/\/+$/, '');
  if (hasControlCharacter(folder) || (folder !== '' && hasOddSegment(folder.replace(/^\//, '')))) {
    throw wrong('has an empty part, "." or ".." in its path');
  }
  return { kind: 'rclone', url: `rclone:${remote}:${folder}`, remote, path: folder };
}

export function placeOfRclone({ remote, path }: RcloneLocation): string {
  return `rclone:${remote}:${path}/`;
}
