/** A client answers a destination's questions from its own copy of the file. */
import { Fault } from '#core/fault.ts';
import type { UploadState } from '#core/state.ts';
import { HeadState } from '#core/state.ts';
import { readHeads } from './announce.ts';
import type { Intake } from './intake.ts';

/** Answers go to every transfer that asked. Fault `rejected` `upload.no_such_ask` when none did. */
export async function giveAnswers(
  intake: Intake,
  upload: UploadState,
  answers: readonly { readonly id: string; readonly digest: string }[],
): Promise<void> {
  const { table, clock, dispatcher } = intake;
  let isWanted = false;
  for (const row of await readHeads(intake, upload)) {
    const { step, file } = HeadState.parse(row.state);
    if (row.queue === null || step.phase !== 'opening') continue;
    const asked = new Set(step.asks.map((ask) => ask.id));
    const mine = answers.filter(({ id }) => asked.has(id)).map(({ id, digest }) => [id, digest.toLowerCase()]);
    if (mine.length === 0) continue;
    isWanted = true;
    await table.answer(row, Object.fromEntries(mine), clock.now());
    await table.wake(row, file.createdAt, clock.now());
    await dispatcher.send([{ pk: row.pk, sk: row.sk }]);
  }
  if (!isWanted) throw new Fault('rejected', 'upload.no_such_ask', 'nobody asks for these digests (any more)');
}
