/** Lambda: events of the bucket, by a queue. */
import type { RuntimeContext } from '../budget.ts';
import { composeCloud } from '../deps.ts';
import { FunctionEnv, readEnv, readSecrets, SECRETS_OF } from '../env.ts';
import type { QueueAnswer } from '../queue.ts';
import { linkedSecrets } from '../resources.ts';
import { stagedHandler } from '../staged.ts';
import { flush, oncePerSandbox, progressTo } from './sandbox.ts';

const opened = oncePerSandbox(async () => {
  const env = readEnv(FunctionEnv, process.env);
  const secrets = readSecrets(SECRETS_OF.staged, await linkedSecrets(SECRETS_OF.staged));
  const progress = progressTo(env, secrets.ENTREPOT_PROGRESS_KEY);
  const { intake } = composeCloud({ env, progress, lostHints: 'logged' });
  return { receive: stagedHandler(intake), progress };
});

export async function handler(event: unknown, _: RuntimeContext): Promise<QueueAnswer> {
  const { receive, progress } = await opened();
  const answer = await receive(event);
  await flush(progress);
  return answer;
}
