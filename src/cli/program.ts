/** The first argument by which dist/cli.js tells the bundle that it is the command line. */
export const CLI = 'lifeboat-cli';
