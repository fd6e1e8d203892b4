/**
 * A process that runs sst.config.ts as `sst deploy` would, with answers of ours where Pulumi's engine and AWS would be, and writes
 * down what it was asked to make. `node program.ts <platform folder> <tree> <stage> <file to write>`
 */
import crypto from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Asked, answerCall, answerResource, REGION } from './answers.ts';
import { readApp, readProgram } from './bundle.ts';
import { serveCli } from './cli-server.ts';

interface Pulumi {
  readonly runtime: {
    setMocks(mocks: object, project: string, stack: string, preview: boolean, organization: string): Promise<void>;
    runInPulumiStack(program: () => Promise<unknown>): Promise<object | undefined>;
  };
}

const [platformFolder = '', tree = '', stage = '', resultFile = ''] = process.argv.slice(2);
const place = { platformFolder, tree, stage };

// Made-up names have to be the same in each run.
crypto.randomBytes = ((sizeBytes: number) => Buffer.alloc(sizeBytes, 1)) as typeof crypto.randomBytes;

const cli = await serveCli(join(tree, 'work'));
Object.assign(process.env, { SST_SERVER: cli.url, SST_AWS_REGION: REGION });

const resources: Asked[] = [];
const newResource = (asked: Asked) => {
  resources.push({ type: asked.type, name: asked.name, inputs: asked.inputs });
  return answerResource(asked);
};

// The platform is not there when our own types are checked.
const load = createRequire(join(platformFolder, '.sst/platform/package.json'));
const { runtime } = load('@pulumi/pulumi') as Pulumi;
const app = await readApp(place);
await runtime.setMocks({ newResource, call: answerCall }, app.name, stage, false, 'organization');
const outputs = await runtime.runInPulumiStack(await readProgram(place, app));

// Resources go on being made of what others answered: all is there when nothing is left to happen.
process.once('beforeExit', () => {
  const names = Object.keys(outputs ?? {}).filter((name) => !name.startsWith('_'));
  writeFileSync(resultFile, JSON.stringify({ app, resources, builds: cli.builds, outputs: names }));
});
