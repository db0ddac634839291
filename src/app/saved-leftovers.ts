import { statSync, truncateSync } from 'node:fs';
import { basename, isAbsolute, normalize } from 'node:path';
import * as core from '@actions/core';
import { messageOf } from '../errors.ts';
import { type Check, count, FormatError, literal, nullable, object, text, textLike } from '../formats/checked.ts';
import type { Leftover } from '../leftovers.ts';
import { nameOfTemporary } from '../store/file/upload.ts';

/* What main saves for the `post:` step, and how that step reads it. */
const STATE = 'leftovers';

/**
 * The call that saves the leftovers of this run. A state that cannot be saved (a full disk) never fails the run: the
 * state is only of use when the run is killed. It is warned of once.
 */
export function leftoversSaver(warn: (line: string) => void): (leftovers: Leftover[]) => void {
  const begin = sizeOfState();
  let hasWarned = false;
  return (leftovers) => {
    const value = JSON.stringify(leftovers);
    try {
      appendOrReplace(value, begin);
    } catch (error) {
      if (!hasWarned) warn(notSaved(error));
      hasWarned = true;
    }
  };
}

/**
 * Each change is appended, and the runner takes the last. On a full disk the latest list alone may fit where the history
 * does not. Half an entry is worse than none: the runner fails the step (actions/runner, FileCommandManager.cs).
 */
function appendOrReplace(value: string, begin: number): void {
  try {
    core.saveState(STATE, value);
    return;
  } catch {
    cutState(begin);
  }
  try {
    core.saveState(STATE, value);
  } catch (error) {
    cutState(begin);
    throw error;
  }
}

function sizeOfState(): number {
  try {
    return statSync(process.env.GITHUB_STATE ?? '').size;
  } catch {
    return 0; // The first save reports what is wrong with it.
  }
}

function cutState(size: number): void {
  try {
    truncateSync(process.env.GITHUB_STATE ?? '', size);
  } catch {
    // It cannot be written at all; the caller reports that.
  }
}

function notSaved(error: unknown): string {
  return `Cannot save state for the post step: ${messageOf(error)}. The run goes on. If it is killed, nothing cleans up after it: free space on the runner's disk.`;
}

/** What the post step can do, and what of the state it cannot read. Never throws: the state may be damaged, or forged. */
export function readSavedLeftovers(): { leftovers: Leftover[]; problems: string[] } {
  const saved = core.getState(STATE);
  if (saved === '') return { leftovers: [], problems: [] };
  const leftovers: Leftover[] = [];
  const problems: string[] = [];
  try {
    for (const value of listOf(saved)) {
      try {
        leftovers.push(checkedLeftover(value));
      } catch (error) {
        problems.push(messageOf(error));
      }
    }
  } catch (error) {
    problems.push(messageOf(error));
  }
  return { leftovers, problems };
}

function listOf(saved: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(saved);
  } catch {
    throw new FormatError('it is not JSON');
  }
  if (!Array.isArray(value)) throw new FormatError('it must be a list');
  return value;
}

function checkedLeftover(value: unknown): Leftover {
  const { kind } = object<{ kind: string }>({ kind: text })(value, '');
  if (!Object.hasOwn(CHECKS, kind)) throw new FormatError(`unknown kind ${JSON.stringify(kind.slice(0, 40))}`);
  CHECKS[kind as Leftover['kind']](value, kind);
  return value as Leftover;
}

const processId: Check<number> = (value, path) => {
  if (count(value, path) > 1) return value as number;
  throw new FormatError(`${path} must be the id of a process`);
};

const engine = literal('docker', 'podman');

/** Only what Lifeboat names is removed: a process that it started may have forged the state. */
function pathCheck(isOurs: (name: string) => boolean): Check<string> {
  return (value, at) => {
    const given = text(value, at);
    if (isAbsolute(given) && normalize(given) === given && isOurs(basename(given))) return given;
    throw new FormatError(`${at} must be a path that Lifeboat creates`);
  };
}

/** A set, a backup and a file, at least: a shorter key would name the unfinished objects of other backups. */
const objectKey = textLike(/^[^/]+\/[^/]+\/[^/]+$/, 'the key of an object');

const CHECKS: Record<Leftover['kind'], Check<object>> = {
  process: object({ pid: processId, started: textLike(/^\d*$/, 'a time in clock ticks') }),
  file: object({ path: pathCheck((name) => nameOfTemporary(name) !== null) }),
  folder: object({ path: pathCheck((name) => name.startsWith('lifeboat-')) }),
  database: object({ database: text, host: text }),
  after: object({}),
  'container-process': object({ engine, container: textLike(/^\w[\w.-]*$/, 'a container'), mark: text }),
  container: object({ engine, name: textLike(/^lifeboat-[\w.-]+$/, 'a container that Lifeboat creates') }),
  part: object({ url: text, key: objectKey }),
  's3-upload': object({ bucket: text, key: text, uploadId: text, endpoint: nullable(text) }),
};
