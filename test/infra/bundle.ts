/** Modules bundled as SST's CLI does it: from inside the platform, so that what it leaves out is found there. */
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import * as z from 'zod';

export interface App {
  readonly name: string;
  readonly removal: string;
  readonly protect: boolean;
  readonly providers: Readonly<Record<string, unknown>>;
}

export interface Place {
  /** The folder that has `.sst/platform` in it. */
  readonly platformFolder: string;
  /** The folder that has sst.config.ts in it. */
  readonly tree: string;
  readonly stage: string;
}

const EXTERNAL = ['@pulumi/*', '@pulumiverse/*', '@aws-sdk/*', 'undici', 'esbuild', 'archiver', 'glob', 'vite'];
const BANNER = [
  'import { createRequire as topLevelCreateRequire } from "node:module";',
  'import { fileURLToPath as topLevelFileUrlToPath } from "node:url";',
  'const require = topLevelCreateRequire(import.meta.url);',
  'const __filename = topLevelFileUrlToPath(import.meta.url);',
  'const __dirname = topLevelFileUrlToPath(new URL(".", import.meta.url));',
].join('\n');

/** What the configuration says of itself. */
export async function readApp(place: Place): Promise<App> {
  const config = JSON.stringify(join(place.tree, 'sst.config.ts'));
  const stage = JSON.stringify(place.stage);
  const lines = [`import config from ${config};`, `export default () => config.app({ stage: ${stage} });`];
  const app = await load(place, lines, { banner: { js: 'const $config = (input) => input;' } });
  return (app as () => App | Promise<App>)();
}

/** The whole program, ready to be run in a stack. */
export async function readProgram(place: Place, app: App): Promise<() => Promise<unknown>> {
  const { tree, stage } = place;
  const platform = platformOf(place);
  const paths = { home: tree, root: tree, work: join(tree, 'work'), platform };
  const lines = [
    `import { run } from ${JSON.stringify(join(platform, 'src/auto/run.ts'))};`,
    `import config from ${JSON.stringify(join(tree, 'sst.config.ts'))};`,
    'export default () => run(config.run);',
  ];
  const program = await load(place, lines, {
    banner: { js: BANNER },
    define: {
      $app: JSON.stringify({ ...app, stage }),
      $cli: JSON.stringify({ command: 'deploy', dev: false, paths, state: { version: {} } }),
      $dev: 'false',
    },
    inject: [join(platform, 'src/shim/run.js')],
    plugins: [withGlobals(place)],
  });
  return program as () => Promise<unknown>;
}

function platformOf({ platformFolder }: Place): string {
  return join(platformFolder, '.sst/platform');
}

async function load(place: Place, lines: readonly string[], options: BuildOptions): Promise<unknown> {
  const platform = platformOf(place);
  const outfile = join(platform, `entrepot-${randomUUID()}.mjs`);
  try {
    await build({
      stdin: { contents: lines.join('\n'), resolveDir: place.tree, sourcefile: 'eval.ts', loader: 'ts' },
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
      mainFields: ['module', 'main'],
      nodePaths: [join(platform, 'node_modules')],
      external: EXTERNAL,
      ...options,
    });
    const module: unknown = await import(pathToFileURL(outfile).href);
    return (module as { readonly default: unknown }).default;
  } finally {
    rmSync(outfile, { force: true });
  }
}

const Lock = z.array(z.object({ package: z.string(), alias: z.string() }));

/** `aws`, `sst` and the others are global in the configuration and what it imports. */
function withGlobals(place: Place): Plugin {
  const lock = Lock.parse(JSON.parse(readFileSync(join(place.platformFolder, '.sst/provider-lock.json'), 'utf8')));
  const globals = [
    ...lock.map((provider) => `import * as ${provider.alias} from ${JSON.stringify(provider.package)};`),
    `import * as sst from ${JSON.stringify(join(platformOf(place), 'src/components'))};`,
  ];
  return {
    name: 'globals',
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.ts$/ }, async ({ path }) =>
        path.includes('/.sst/') || !path.startsWith(place.tree)
          ? undefined
          : { contents: [...globals, await readFile(path, 'utf8')].join('\n'), loader: 'ts' },
      ),
  };
}
