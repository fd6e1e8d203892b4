/** What SST's CLI answers to its components while they are made: where assets go, and bundles of functions. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as z from 'zod';
import { ACCOUNT, REGION } from './answers.ts';

const Call = z.object({ method: z.string(), params: z.array(z.record(z.string(), z.unknown())).min(1) });
const Build = z.object({ functionID: z.string(), handler: z.string() }).loose();
export type Build = z.infer<typeof Build>;

/** Does not keep its process alive. Functions are not bundled here: what they would be bundled from is noted. */
export async function serveCli(work: string) {
  const builds: Build[] = [];

  function answer(method: string, parameters: unknown): unknown {
    switch (method) {
      case 'Provider.Aws.Bootstrap':
        return {
          version: 99,
          asset: 'sst-asset',
          state: 'sst-state',
          assetEcrRegistryId: ACCOUNT,
          assetEcrUrl: `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/sst-asset`,
        };
      case 'Runtime.Build': {
        const asked = Build.parse(parameters);
        builds.push(asked);
        const out = join(work, 'artifacts', asked.functionID);
        mkdirSync(out, { recursive: true });
        writeFileSync(join(out, 'bundle.mjs'), 'export const handler = () => {};');
        return { handler: 'bundle.handler', out, errors: [], sourcemaps: [] };
      }
      default:
        throw new Error(`the program asked the CLI for ${method}`);
    }
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, params } = Call.parse(JSON.parse(Buffer.concat(chunks).toString()));
    response.setHeader('connection', 'close');
    try {
      response.end(JSON.stringify({ result: answer(method, params[0]), error: null }));
    } catch (error) {
      response.end(JSON.stringify({ result: null, error: error instanceof Error ? error.message : 'unknown error' }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, builds };
}
