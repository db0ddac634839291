import { oneLine } from '../report/escape.ts';
import { sendRequest } from './http.ts';
import type { RunResult } from './run-result.ts';

/** Characters of the message; the summary has all. */
const LONGEST = 8_000;
/** The same in a chat, and of the names above it: Discord takes 2,000 in all, Mattermost 4,000. */
const LONGEST_IN_CHAT = 1_500;
const LONGEST_NAMES = 200;

/** The run at GitHub; null: this is none. */
export interface WorkflowRun {
  repository: string;
  workflow: string;
  url: string;
}

/** Reads it from what the runner sets. */
export function workflowRun(env: Record<string, string | undefined>): WorkflowRun | null {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: id } = env;
  if (!server || !repository || !id) return null;
  const workflow = env.GITHUB_WORKFLOW ?? '';
  return { repository, workflow, url: `${server}/${repository}/actions/runs/${id}` };
}

/**
 * What is posted: `text` for chats, and the same facts for programs. None of the names is one by which Slack, Mattermost or
 * Discord would do something else.
 */
export interface Message {
  text: string;
  event: 'failure' | 'recovery';
  command: string;
  cancelled: boolean;
  title: string;
  /** As the annotation says it. */
  message: string;
  set: string | null;
  database: string | null;
  backup: string | null;
  /** Of a restore test or restore that came to one. */
  verdict: string | null;
  /** UTC, ISO 8601. */
  ended: string;
  durationSeconds: number;
  repository: string | null;
  workflow: string | null;
  runUrl: string | null;
}

/** The message about a red run, or about a green one after a red one. */
export function makeMessage(result: RunResult, run: WorkflowRun | null): Message {
  const { command, failure, facts, about, ended, duration, cancelled } = result;
  const title = failure?.title ?? `Lifeboat: ${command} recovered`;
  const message = shorten(failure?.message ?? recoveryText(result), LONGEST);
  return {
    text: chatText({ mark: failure === null ? '✅' : '❌', title, message }, result, run),
    event: failure === null ? 'recovery' : 'failure',
    command,
    cancelled,
    title,
    message,
    set: about.set,
    database: about.database,
    backup: facts.backup ?? about.backup,
    verdict: facts.verdict,
    ended: ended.toISOString(),
    durationSeconds: Math.round(duration / 1000),
    repository: run?.repository ?? null,
    workflow: run?.workflow ?? null,
    runUrl: run?.url ?? null,
  };
}

function recoveryText({ command, facts }: RunResult): string {
  const sentence = facts.sentence === null ? '' : ` ${facts.sentence}`;
  return `The ${command} before this one had failed; this one succeeded.${sentence}`;
}

/** Throws an HttpError. */
export function postWebhook(url: URL, message: Message, stop: AbortSignal): Promise<void> {
  return sendRequest({ method: 'POST', url, contentType: 'application/json', body: JSON.stringify(message) }, stop);
}

function chatText(
  { mark, title, message }: { mark: string; title: string; message: string },
  { about }: RunResult,
  run: WorkflowRun | null,
): string {
  const named = [
    ...(about.set === null ? [] : [`set ${about.set}`]),
    ...(about.database === null ? [] : [`database ${about.database}`]),
    ...(about.backup === null ? [] : [`backup ${about.backup}`]),
  ].join(', ');
  const where =
    run === null ? '' : `${chatSafe(shorten(`${run.repository}, ${run.workflow}`, LONGEST_NAMES))}: ${run.url}`;
  const lines = [
    `${mark} ${chatSafe(title)}`,
    chatSafe(shorten(named, LONGEST_NAMES)),
    ...shorten(message, LONGEST_IN_CHAT).split('\n').map(chatSafe),
    where,
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function shorten(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}… (see the run for the rest)` : text;
}

/**
 * Text from anywhere, for a chat that reads markup. `& < >` as Slack wants them (so that no `<!channel>` or `<url|text>` is
 * one); the others of Markdown that would do more than look odd are broken by a space of no width: mentions (`@channel`),
 * links and pictures (`](`), and addresses that would be fetched for a preview.
 */
function chatSafe(text: string): string {
  return oneLine(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '@\u200b')
    .replace(/\](?=[([:])/g, ']\u200b')
    .replace(/\b(https?:)(?=\/\/)/gi, '$1\u200b');
}
