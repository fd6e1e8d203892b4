/** Lambda: hints by a queue, one at a time; each is one lease of work. */
import { type RuntimeContext, timedBudget } from '../budget.ts';
import { composeCloud } from '../deps.ts';
import { FunctionEnv, readEnv, readSecrets, SECRETS_OF } from '../env.ts';
import { cloudDrivers } from '../kinds.ts';
import { moveHandler } from '../move.ts';
import type { QueueAnswer } from '../queue.ts';
import { linkedSecrets } from '../resources.ts';
import { fleetOf, flush, oncePerSandbox, progressTo } from './sandbox.ts';

const opened = oncePerSandbox(async () => {
  const env = readEnv(FunctionEnv, process.env);
  const secrets = readSecrets(SECRETS_OF.move, await linkedSecrets(SECRETS_OF.move));
  const progress = progressTo(env, secrets.ENTREPOT_PROGRESS_KEY);
  const drivers = cloudDrivers(secrets.ENTREPOT_SEAL_KEY);
  const fleet = await fleetOf(env, secrets.ENTREPOT_PROGRESS_KEY);
  const { engine } = composeCloud({ env, progress, lostHints: 'logged', drivers, ...fleet });
  return { engine, progress };
});

export async function handler(event: unknown, context: RuntimeContext): Promise<QueueAnswer> {
  const { engine, progress } = await opened();
  const { budget, end } = timedBudget(context);
  try {
    return await moveHandler(engine, () => budget)(event, context);
  } finally {
    end();
    await flush(progress);
  }
}
