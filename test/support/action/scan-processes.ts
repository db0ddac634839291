import { setTimeout as sleep } from 'node:timers/promises';
import { allProcesses, commandLine } from '../servers/processes.ts';

export interface ProcessScan {
  /** Command lines that held a secret, which is replaced by `<secret>`. */
  leaks: string[];
  /** The first words of all command lines that were seen: they show that the scan saw what it was to see. */
  programs: string[];
  /** How many times all processes were looked at. */
  rounds: number;
}

/** Looks at the command lines of all processes of the machine, over and over, until it is stopped. */
export function scanProcesses(secrets: string[]): { stop(): Promise<ProcessScan> } {
  const leaks = new Set<string>();
  const programs = new Set<string>();
  let rounds = 0;
  let stopped = false;
  const loop = (async () => {
    while (!stopped) {
      for (const line of allProcesses().map(commandLine)) {
        programs.add(line.split(' ', 1)[0] ?? '');
        if (secrets.some((secret) => line.includes(secret))) leaks.add(withoutSecrets(line, secrets));
      }
      rounds++;
      await sleep(1);
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await loop;
      return { leaks: [...leaks], programs: [...programs], rounds };
    },
  };
}

function withoutSecrets(line: string, secrets: string[]): string {
  return secrets.reduce((result, secret) => result.replaceAll(secret, '<secret>'), line);
}
