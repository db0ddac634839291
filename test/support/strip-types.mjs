// jest needs no TypeScript compiler: Node itself strips the types (erasable syntax only, see tsconfig.json).
import { stripTypeScriptTypes } from 'node:module';

export default {
  process: (source) => ({ code: stripTypeScriptTypes(source) }),
};
