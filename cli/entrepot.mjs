#!/usr/bin/env node
// The command itself is TypeScript. A Node too old to run that hands over to the one that npm install brought, or says why not.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major >= 24) {
  // Compiled once and kept: the command is there in half the time.
  module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url)));
  await import('./main.ts');
} else {
  const newer = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
  if (existsSync(newer) && process.env.ENTREPOT_REEXEC === undefined) {
    const env = { ...process.env, ENTREPOT_REEXEC: '1' };
    const { status, signal } = spawnSync(newer, process.argv.slice(1), { stdio: 'inherit', env });
    process.exitCode = status ?? (signal === 'SIGINT' ? 130 : 1);
  } else {
    process.stderr.write(
      `entrepot runs on Node 24, and this is ${process.version}.\n` +
        'npm install brings Node 24 along on Linux and on Apple silicon; elsewhere please install it from nodejs.org.\n',
    );
    process.exitCode = 2;
  }
}
