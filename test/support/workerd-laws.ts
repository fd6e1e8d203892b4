/** Runs laws inside workerd, where the adapter is: each test here asks a Worker to run one there (see `test/workerd/vitest.ts`). */
import { fileURLToPath } from 'node:url';
import { afterAll, describe, it } from 'vitest';
import * as z from 'zod';
import { startWorkerd, type WorkerConfig } from './workerd.ts';

const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const ALIAS = {
  vitest: pathOf('../workerd/vitest.ts'),
  // As in wrangler.jsonc: the SDK's own choice for browsers reads XML by a DOM, which workerd does not have.
  '@aws-sdk/xml-builder': pathOf('../../node_modules/@aws-sdk/xml-builder/dist-cjs/index.js'),
};

/**
 * Starts a Worker whose `fetch` answers `/laws` with `answerLaws`, and declares a test for each law that it has. Called at the top
 * of a test file: which laws there are is known only there. `timeoutMs` is per law.
 */
export async function lawsInWorkerd(config: WorkerConfig, timeoutMs: number): Promise<void> {
  const worker = await startWorkerd({ ...config, alias: ALIAS });
  afterAll(() => worker.stop());
  const address = `${worker.url}/laws`;
  const titles = z
    .array(z.string())
    .min(1)
    .parse(await (await fetch(address)).json());
  describe('in workerd', () => {
    for (const title of titles) {
      it(title, { timeout: timeoutMs }, async () => {
        const answer = await fetch(address, { method: 'POST', body: title });
        const failure = await answer.text();
        if (!answer.ok || failure !== '') throw new Error(failure.slice(0, 3_000) || `HTTP ${answer.status}`);
      });
    }
  });
}
