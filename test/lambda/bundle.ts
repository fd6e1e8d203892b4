/** The functions bundled with the settings of `infra/functions.ts`, by the rules that SST has for them. */
import { createCipheriv, randomBytes } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';

export const ENTRIES = ['api', 'staged', 'move', 'sweep'] as const;
export type Entry = (typeof ENTRIES)[number];

export interface Bundle {
  readonly dir: string;
  /** What is loaded at the start, and what waits until somebody imports it. */
  readonly eager: ReadonlySet<string>;
  readonly lazy: ReadonlySet<string>;
  /** Modules of Node that are loaded at the start. */
  readonly builtins: ReadonlySet<string>;
  /** Of what is loaded at the start. */
  readonly eagerBytes: number;
  /** Of all files that are deployed. */
  readonly zippedBytes: number;
  readonly rawBytes: number;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const BANNER = `import { createRequire as topLevelCreateRequire } from 'module';
const require = topLevelCreateRequire(import.meta.url);
import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url"
const __filename = topLevelFileUrlToPath(import.meta.url)
const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url))`;

/** Files that are no code; gRPC reads this one when it is first needed. */
const COPIED = ['proto/clouddrive.proto'];

/** Into a folder of its own under `target`. */
export async function bundle(entry: Entry, target: string): Promise<Bundle> {
  const dir = join(target, entry);
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [`functions/lambda/${entry}.ts`],
    outdir: dir,
    entryNames: 'bundle',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    minify: true,
    keepNames: false,
    external: ['proxy-agent'],
    platform: 'node',
    format: 'esm',
    target: 'es2024',
    mainFields: ['module', 'main'],
    banner: { js: BANNER },
    metafile: true,
    logLevel: 'error',
  });
  for (const file of COPIED) cpSync(join(ROOT, file), join(dir, file));
  const files = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name)));
  const outputs = reached(metafile);
  const eager = packagesOf(metafile, outputs);
  return {
    dir,
    eager,
    eagerBytes: [...outputs].reduce((sum, path) => sum + (metafile.outputs[path]?.bytes ?? 0), 0),
    builtins: builtinsOf(metafile, outputs),
    lazy: packagesOf(metafile, new Set(Object.keys(metafile.outputs))).difference(eager),
    zippedBytes: files.reduce((sum, file) => sum + deflateRawSync(file, { level: 9 }).byteLength, 0),
    rawBytes: files.reduce((sum, file) => sum + file.byteLength, 0),
  };
}

/** Secrets as SST links them: encrypted in the bundle, the key in the environment that is answered. */
export function link(dir: string, secrets: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const key = randomBytes(32);
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12, 0));
  const linked = Object.entries(secrets).map(([name, value]) => [name, { type: 'sst.sst.Secret', value }]);
  const sealed = [cipher.update(JSON.stringify(Object.fromEntries(linked))), cipher.final(), cipher.getAuthTag()];
  const file = join(dir, 'resource.enc');
  writeFileSync(file, Buffer.concat(sealed));
  return {
    SST_KEY: key.toString('base64'),
    SST_KEY_FILE: file,
    SST_RESOURCE_App: JSON.stringify({ name: 'entrepot', stage: 'test' }),
  };
}

/** Outputs that the entry imports by statements, straight or through others. */
function reached({ outputs }: Metafile): ReadonlySet<string> {
  const found = new Set(Object.keys(outputs).filter((path) => path.endsWith('/bundle.mjs')));
  for (const path of found) {
    for (const { kind, path: next, external } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && external !== true) found.add(next);
    }
  }
  return found;
}

function builtinsOf({ outputs }: Metafile, paths: ReadonlySet<string>): ReadonlySet<string> {
  const imported = [...paths].flatMap((path) => outputs[path]?.imports ?? []);
  const isAtStart = ({ kind, external }: (typeof imported)[number]) => kind === 'import-statement' && external === true;
  return new Set(imported.filter(isAtStart).map(({ path }) => path.replace(/^node:/, '')));
}

function packagesOf({ outputs }: Metafile, paths: ReadonlySet<string>): ReadonlySet<string> {
  const inputs = [...paths].flatMap((path) => Object.keys(outputs[path]?.inputs ?? {}));
  return new Set(inputs.flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []));
}
