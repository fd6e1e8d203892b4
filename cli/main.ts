#!/usr/bin/env node
/** The process around the command line. */
import { createRequire } from 'node:module';
import { systemClock } from '#adapters/system/clock.ts';
import { run } from './run.ts';
import { terminal } from './terminal.ts';

const { stdout, stderr } = process;
const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
const stopping = new AbortController();

// Who stopped reading has seen enough.
stdout.on('error', () => process.exit(0));
process.once('SIGINT', () => stopping.abort(new Error('interrupted')));
process.once('SIGTERM', () => stopping.abort(new Error('terminated')));

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  clock: systemClock(),
  signal: stopping.signal,
  version,
  terminal: terminal({
    out: (text) => void stdout.write(text),
    error: (text) => void stderr.write(text),
    isInteractive: stdout.isTTY === true && process.env['TERM'] !== 'dumb',
    size: () => ({ columns: stdout.columns ?? 80, rows: stdout.rows ?? 24 }),
  }),
});
