import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { LifeboatError } from '../../errors.ts';
import { startTool, type Tool, ToolError } from '../../process/child.ts';
import { inPrivateFolder } from '../../process/private-folder.ts';
import { waitForDrain } from '../../process/wait-for-drain.ts';
import { listFile, readHead } from '../archive/contents.ts';
import { connectingTool, type Server } from '../session/connection.ts';
import { type RestoreError, RestoreErrors } from './errors.ts';

/** Chooses from what pg_restore -l says of an archive the ids of the entries that are restored, in their order. */
export type Pick = (listing: Buffer) => number[];

export interface LoadOptions {
  /** Arguments of pg_restore beside those that are always given. */
  args: string[];
  /** Default: everything is restored. */
  pick?: Pick | null;
  /** Called with the bytes that pg_restore was given. */
  onBytes?: (bytes: number) => void;
}

/** What a restored archive left to say. */
export interface Loaded {
  errors: RestoreError[];
}

/**
 * Subscriptions would connect to the source's publishers; tablespaces are folders of the source's machine. Errors do not
 * stop the restore: each is collected, and what became of it all is the caller's to judge. Only with --verbose it says
 * which object an error is about.
 */
const ALWAYS = ['--no-password', '--verbose', '--no-subscriptions', '--no-tablespaces'];

/**
 * Restores an archive from a stream into the database of `server`. The whole stream is read, also when pg_restore stops
 * early, for only its end tells whether the bytes were those that were stored. Throws what the stream throws, and a
 * LifeboatError when pg_restore itself did not come to its end.
 */
export async function loadArchive(
  server: Server,
  archive: AsyncIterable<Uint8Array>,
  { args, pick = null, onBytes }: LoadOptions,
): Promise<Loaded> {
  if (pick !== null) return loadPicked(server, archive, pick, { args, ...(onBytes ? { onBytes } : {}) });
  const { tool, errors } = startRestore(server, args);
  try {
    await writeAll(tool.stdin, archive, onBytes ?? (() => {}));
  } catch (error) {
    tool.kill();
    await tool.finished.catch(() => {});
    throw error;
  }
  return { errors: await errorsAtEnd(tool, errors) };
}

async function loadPicked(
  server: Server,
  archive: AsyncIterable<Uint8Array>,
  pick: Pick,
  options: LoadOptions,
): Promise<Loaded> {
  const head = await readHead(server, archive);
  return inPrivateFolder(server.context, async (folder) => {
    const list = await writeList(join(folder, 'archive.list'), pick(head.listing));
    return loadArchive(server, head.archive, { ...options, args: [...options.args, list] });
  });
}

/** Restores from an archive in a file of a private folder, which several processes can read at once. */
export async function restoreFile(
  server: Server,
  file: string,
  { args, pick }: { args: string[]; pick: Pick | null },
): Promise<RestoreError[]> {
  const list = pick === null ? [] : [await writeList(`${file}.list`, pick(await listFile(server, file)))];
  const { tool, errors } = startRestore(server, [...args, ...list, file]);
  tool.stdin.end();
  return errorsAtEnd(tool, errors);
}

/** pg_restore reads of each line the number at its beginning (SortTocFromFile): no name has to be in the file. */
async function writeList(path: string, ids: number[]): Promise<string> {
  await writeFile(path, ids.map((id) => `${id};\n`).join(''), { mode: 0o600 });
  return `--use-list=${path}`;
}

function startRestore(server: Server, args: string[]): { tool: Tool; errors: RestoreErrors } {
  const errors = new RestoreErrors();
  const { signal, track } = server.context;
  const spec = connectingTool(server, 'pg_restore', 'restore', [...ALWAYS, ...args]);
  const tool = startTool(spec, { signal, track, onStderr: errors.take });
  tool.stdout.resume();
  return { tool, errors };
}

async function errorsAtEnd(tool: Tool, errors: RestoreErrors): Promise<RestoreError[]> {
  await tool.finished.catch((error: unknown) => {
    // 1 is also how it ends when statements failed; those it has counted.
    if (!(error instanceof ToolError) || !errors.sawEnd()) throw restoreError(error);
  });
  return errors.all();
}

/** Writes at the reader's pace. A reader that has closed its input needs no more, but the rest is read all the same. */
async function writeAll(
  input: Writable,
  source: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    onBytes(bytes);
    if (input.writable && !input.write(chunk)) await waitForDrain(input);
  }
  input.end();
}

/** pg_restore's own words can hold rows, so of them only the first line is shown. */
function restoreError(error: unknown): unknown {
  if (!(error instanceof ToolError)) return error;
  const [how] = error.message.split(' It said:');
  const reported = /pg_restore: error: (.*)/.exec(error.stderr)?.[1];
  return new LifeboatError(`${how}${reported === undefined ? '' : ` It said: ${reported}`}`, { cause: error });
}
