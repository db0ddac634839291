/** Whether a path of a tree fits one of the globs; `*` and `**` take names that begin with a dot too. */
export async function compileGlobs(globs: string[]): Promise<(path: string) => boolean> {
  if (globs.length === 0) return () => false;
  const { default: picomatch } = await import('picomatch');
  return picomatch(globs, { dot: true });
}
