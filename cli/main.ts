#!/usr/bin/env node
/** The `skep` command: the command line joined to the process. */
import { runCommandLine } from './command-line.js';
import { processIo } from './io.js';

// A reader that has seen enough (head, less) closes the pipe: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
// Not awaited: this module is bundled to CommonJS.
void runCommandLine(process.argv.slice(2), processIo()).then((code) => {
  process.exitCode = code;
});
