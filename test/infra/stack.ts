/** What sst.config.ts makes of a stage, for tests to look at. Nothing is deployed: Pulumi's engine and AWS are stood in for. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as z from 'zod';
import { sstPlatform } from '../support/sst.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const Made = z.object({
  app: z.object({ name: z.string(), removal: z.string(), protect: z.boolean() }),
  resources: z.array(z.object({ type: z.string(), name: z.string(), inputs: z.record(z.string(), z.unknown()) })),
  builds: z.array(
    z.object({
      functionID: z.string(),
      handler: z.string(),
      links: z.record(z.string(), z.unknown()),
      properties: z.unknown(),
    }),
  ),
  outputs: z.array(z.string()),
});
export type Stack = z.infer<typeof Made>;
export type Resource = Stack['resources'][number];

/** 4 s, after the platform has been installed. */
const EVALUATE_TIMEOUT_MS = 300_000;
const BUILT = { 'web/dist/index.html': '<!doctype html>', 'web/dist/assets/index.js': 'export {};' };
const CHOICES = [
  'ENTREPOT_DOMAIN',
  'ENTREPOT_ALARM_EMAIL',
  'ENTREPOT_ORIGINS',
  'ENTREPOT_RELAY_SPOT',
  'ENTREPOT_RELAYS',
  'ENTREPOT_AGENT_DOMAIN',
];

const run = promisify(execFile);

/** Rejects with what the program wrote, when it does not run. */
export async function evaluate(stage: string, choices: Readonly<Record<string, string>> = {}): Promise<Stack> {
  const platform = await sstPlatform();
  const tree = copyOfInfra(platform);
  try {
    const result = join(tree, 'result.json');
    const program = fileURLToPath(new URL('program.ts', import.meta.url));
    const { PATH = '' } = process.env;
    const env = { PATH, ...Object.fromEntries(CHOICES.map((name) => [name, choices[name] ?? ''])) };
    await run(process.execPath, [program, platform, tree, stage, result], { env, timeout: EVALUATE_TIMEOUT_MS });
    return Made.parse(JSON.parse(readFileSync(result, 'utf8').replaceAll(tree, '')));
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

/** What `sst` reads of this repository, with something in the place of all that is built. The caller removes it. */
export function copyOfInfra(platform: string): string {
  const tree = mkdtempSync(join(tmpdir(), 'entrepot-infra-'));
  for (const name of ['sst.config.ts', 'infra', 'proto/clouddrive.proto'])
    cpSync(join(ROOT, name), join(tree, name), { recursive: true });
  for (const [path, text] of Object.entries(BUILT)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  symlinkSync(join(platform, '.sst'), join(tree, '.sst'));
  return tree;
}

/** How Pulumi marks a value that is to be kept encrypted. */
const MARK = '4dabf18193072939515e22adb298388d';

/** The same without the marks, or with `(secret)` in the place of what is marked. */
export function unmarked(value: unknown, marked: 'shown' | 'hidden' = 'shown'): unknown {
  if (Array.isArray(value)) return value.map((entry) => unmarked(entry, marked));
  if (typeof value !== 'object' || value === null) return value;
  if (MARK in value && 'value' in value) return marked === 'shown' ? unmarked(value.value, marked) : '(secret)';
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, unmarked(entry, marked)]));
}

/** What `answers.ts` gives for what is made at random. */
export const SECRET = /made-up-\w+/;

/** Inputs of resources of one type by name, such as `aws:sqs/queue:Queue`. */
export function ofType(stack: Stack, type: string): Readonly<Record<string, any>> {
  const found = stack.resources.filter((resource) => resource.type === type);
  return Object.fromEntries(found.map(({ name, inputs }) => [name, unmarked(inputs)]));
}

/** As it is in every account and stage: `arn:aws:sqs:eu-west-1:123456789012:entrepot-dev-Hints-abcdefgh` → `sqs:Hints`. */
export function shortened(text: string): string {
  return text
    .replaceAll(/arn:aws:(\w+):(?:eu-west-1|):(?:123456789012|):/g, '$1:')
    .replaceAll(/entrepot-(?:dev|production)-/g, '')
    .replaceAll(/-waevafvr\b/g, '')
    .replaceAll(/(?<=\/entrepot\/|Relay\.)(?:dev|production)\b|^(?:dev|production)$/g, '(stage)');
}
