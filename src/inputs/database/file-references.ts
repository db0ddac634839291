import { LifeboatError } from '../../errors.ts';
import { LABEL } from '../../formats/names.ts';
import type { FileReference } from '../../formats/restore-test/file-reference.ts';
import { quote } from '../../text.ts';
import { parseSql, parseYaml } from './assertions.ts';

const SHAPE = 'Write label: query, one a line, such as uploads: select path from attachments.';

/** By label of a file tree, the query of the paths that must be in it: YAML in the workflow, or the path of a file. */
export async function parseFileReferences(text: string): Promise<FileReference[]> {
  const entries = await parseYaml(text, SHAPE);
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries)) {
    throw new LifeboatError(`it is no map of labels to queries. ${SHAPE}`);
  }
  return Object.entries(entries).map(([label, sql]) => {
    if (!LABEL.test(label)) throw new LifeboatError(`${quote(label)} is no label of paths. ${SHAPE}`);
    return { label, sql: parseSql(sql, label, SHAPE) };
  });
}
