import { readFileSync } from 'node:fs';

/**
 * Who runs the servers that refuse to run as root (PostgreSQL, pgbouncer): when we are root the user `postgres`,
 * which Debian's packages make, else ourselves.
 */
export function serverUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const entry = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  if (entry === null) throw new Error('PostgreSQL does not run as root, and this machine has no user `postgres`');
  return { uid: Number(entry[1]), gid: Number(entry[2]) };
}
