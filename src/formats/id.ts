/**
 * A backup's id: its start in UTC and a random tail, `20261121T020000Z-7f3a91c2`. No colons: they break Windows copies
 * and rsync's remote names. Ids sort by time as text.
 */
export function makeId(start: Date, tail: string): string {
  return `${start.toISOString().replace(/[-:]|\.\d+/g, '')}-${tail}`;
}

const ID = /^([^-]*)-[0-9a-f]{8}$/;
const TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

export function isId(text: string): boolean {
  return startOf(text) !== null;
}

/** The start that an id names, or null when the text is not an id. */
export function startOf(id: string): Date | null {
  return parseTime(ID.exec(id)?.[1] ?? '');
}

/** A time as it stands in our names, `20261121T020000Z`; null when the text is none. */
export function parseTime(text: string): Date | null {
  const match = TIME.exec(text);
  if (!match) return null;
  const [, year, month, day, hour, minute, second] = match;
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time.getTime()) ? null : time;
}

/** Clocks of machines differ; an id further ahead than this is from the future and is not `latest`. Milliseconds. */
const CLOCK_SKEW = 60 * 60 * 1000;

export function isFromFuture(id: string, now: Date): boolean {
  return isAhead(startOf(id) ?? now, now);
}

/** Whether a time lies further ahead than clocks differ. */
export function isAhead(time: Date, now: Date): boolean {
  return time.getTime() > now.getTime() + CLOCK_SKEW;
}
