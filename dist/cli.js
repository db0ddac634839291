#!/usr/bin/env node
process.argv.splice(2, 0, 'lifeboat-cli');
await import('./index.js');
