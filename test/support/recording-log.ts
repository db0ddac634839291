import type { InputLog } from '../../src/inputs/schema.ts';

/** Keeps what it is told. */
export class RecordingLog implements InputLog {
  readonly masked: string[] = [];
  readonly notices: string[] = [];
  readonly warnings: string[] = [];

  mask(secret: string): void {
    this.masked.push(secret);
  }

  notice(line: string): void {
    this.notices.push(line);
  }

  warning(line: string): void {
    this.warnings.push(line);
  }
}
