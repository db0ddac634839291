import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Puts programs into the folder that stand in for GitHub, and for the person whom gpg asks for a passphrase. */
export function standIns(folder: string, passphrase?: string): string {
  const write = (name: string, line: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\nexec ${line} "$@"\n`, { mode: 0o755 });
  };
  write('gh', `'${process.execPath}' --no-warnings '${join(import.meta.dirname, 'gh.ts')}'`);
  if (passphrase !== undefined) {
    const file = join(folder, 'passphrase');
    writeFileSync(file, passphrase, { mode: 0o600 });
    write('gpg', `/usr/bin/gpg --batch --pinentry-mode loopback --passphrase-file '${file}'`);
  }
  return folder;
}
