/** sst.config.ts and infra/ against the types of SST and of the providers, as they are installed for a deployment. */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sstPlatform } from '../support/sst.ts';
import { copyOfInfra, ROOT } from './stack.ts';

/** 4 s on a quiet machine. */
const TSC_TIMEOUT_MS = 300_000;

const run = promisify(execFile);
let tree: string | undefined;

beforeAll(async () => {
  tree = copyOfInfra(await sstPlatform());
});

afterAll(() => tree && rmSync(tree, { recursive: true, force: true }));

/** What the compiler finds, or nothing. */
async function findings(tree: string): Promise<string> {
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const bin = `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`;
  const options = { cwd: tree, timeout: TSC_TIMEOUT_MS, env: { ...process.env, PATH: bin } };
  return run(tsc, ['-p', 'infra'], options).then(
    ({ stdout }) => stdout,
    (error: { readonly stdout: string }) => error.stdout,
  );
}

it('they are without fault, and a fault in them would be found', async () => {
  if (tree === undefined) throw new Error('no copy');
  expect(await findings(tree)).toBe('');
  const faults: readonly (readonly [file: string, right: string, wrong: string])[] = [
    ['infra/table.ts', "projection: 'keys-only'", "projection: 'keys'"],
    ['infra/relay.ts', "image: { context: '.'", "picture: { context: '.'"],
    ['infra/queues.ts', 'seconds(VISIBILITY_SECONDS.hints)', "'6 fortnights'"],
    ['infra/alarms.ts', 'evaluationPeriods: watch.periods', 'evaluationPeriods: watch.says'],
    ['sst.config.ts', "home: 'aws'", "home: 'nowhere'"],
  ];
  for (const [file, right, wrong] of faults) {
    const text = readFileSync(join(tree, file), 'utf8');
    expect(text).toContain(right);
    writeFileSync(join(tree, file), text.replace(right, wrong));
  }
  const found = await findings(tree);
  for (const [file] of faults) expect(found).toContain(file);
});
