/** `1.4 GB`: decimal units, as disks and providers count. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `850 ms`, `12.3 s`, `4 min 5 s`, `2 h 3 min`; takes milliseconds. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `5 min`, `26 h 3 min`, `30 d 4 h`: how old a backup is. Hours up to two days, as objectives are said; takes seconds. */
export function formatAge(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours < 1) return `${minutes} min`;
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `1,234,567`, also of a string of digits. */
export function formatCount(count: number | string | bigint): string {
  return BigInt(count).toLocaleString('en-US');
}

/** `1 table`, `1,234 tables`. */
export function countOf(count: number | string | bigint, thing: string): string {
  return `${formatCount(count)} ${thing}${BigInt(count) === 1n ? '' : 's'}`;
}
