import { readFileSync } from 'node:fs';

/** Seconds of processor time, user and system. */
export interface CpuTime {
  own: number;
  /** Of children that have ended and were waited for, and of theirs. */
  children: number;
}

/** The unit of /proc/PID/stat is 1/100 s on every Linux that Node runs on (sysconf(_SC_CLK_TCK)). */
const TICKS = 100;

/** From /proc/PID/stat (man 5 proc: utime, stime, cutime, cstime); null when the process is gone. */
export function cpuTime(pid: number): CpuTime | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15).map(Number);
    return { own: (utime + stime) / TICKS, children: (cutime + cstime) / TICKS };
  } catch {
    return null;
  }
}
