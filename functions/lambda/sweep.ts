/** Lambda: the safety nets, by schedules. What fails here is an error of the function, so that somebody is told. */
import * as z from 'zod';
import type { RuntimeContext } from '../budget.ts';
import { composeCloud } from '../deps.ts';
import { FunctionEnv, readEnv, readSecrets, SECRETS_OF } from '../env.ts';
import { linkedSecrets } from '../resources.ts';
import { guestHandler, inboxRounds, sweepHandler } from '../sweep.ts';
import { flush, oncePerSandbox, progressTo } from './sandbox.ts';

const Schedule = z.object({ every: z.enum(['minute', 'hour']) });

/** Kept back from an hour's look at the inbox, for the guests. */
const GUESTS_MS = 20_000;

const opened = oncePerSandbox(async () => {
  const env = readEnv(FunctionEnv, process.env);
  const secrets = readSecrets(SECRETS_OF.sweep, await linkedSecrets(SECRETS_OF.sweep));
  const progress = progressTo(env, secrets.ENTREPOT_PROGRESS_KEY);
  const { engine, intake, multipart } = composeCloud({ env, progress, lostHints: 'thrown' });
  return {
    sweep: sweepHandler(engine),
    inbox: inboxRounds(intake),
    guests: guestHandler({ intake, multipart, cells: engine.cells }),
    progress,
  };
});

/**
 * Every minute: hints for rows that are due. Every hour: what an event lost, and what guests left behind. Answers how many hints
 * were sent, objects seen, guests gone.
 */
export async function handler(event: unknown, context: RuntimeContext): Promise<Readonly<Record<string, number>>> {
  const { every } = Schedule.parse(event);
  const { sweep, inbox, guests, progress } = await opened();
  try {
    if (every === 'minute') return { hints: await sweep() };
    return { seen: await inbox(() => context.getRemainingTimeInMillis() < GUESTS_MS), guests: await guests() };
  } finally {
    await flush(progress);
  }
}
