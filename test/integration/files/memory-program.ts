import { TreePacker } from '../../../src/files/pack.ts';
import { readTree } from '../../../src/files/read-tree.ts';
import { peakMemory } from '../../support/servers/processes.ts';

/** Packs the folder, reads the archive back as it comes, and prints what was in it and the greatest resident memory. */
const [, , folder = ''] = process.argv;
const packer = new TreePacker({ label: 'uploads', folder, isExcluded: () => false });
const { files } = await readTree(packer.archive(), null);
console.log(JSON.stringify({ files, peak: peakMemory(process.pid) }));
