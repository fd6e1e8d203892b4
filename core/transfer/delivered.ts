/** The end of a transfer that has arrived, with what is known of its bytes: the rows of digests go with the staged bytes. */
import type { Provider } from '#core/ports/provider.ts';
import type { Release } from '#core/ports/work-table.ts';
import { DIGEST_PREFIX, DigestState, type HeadState, type Step, uploadKey } from '#core/state.ts';
import type { Digests } from '#core/wire/digest.ts';
import type { Engine } from './engine.ts';
import { endWith, type HeadStep } from './head-step.ts';
import { claimedAlgorithms } from './readiness.ts';

type Done = Step & { readonly phase: 'done' };

/** A transfer that nobody had to hash for is not read for. Otherwise one read of the table. */
export async function delivered(
  { engine, head, provider }: Pick<HeadStep<Provider>, 'engine' | 'head' | 'provider'>,
  end: Pick<Done, 'receipt' | 'instant' | 'parts'>,
): Promise<Release> {
  const isHashed = provider.needs.length > 0 || claimedAlgorithms(head).length > 0;
  const staged = isHashed ? await stagedDigests(engine, head) : {};
  return endWith(engine, head, {
    phase: 'done',
    ...end,
    endedAt: engine.clock.now(),
    provider: provider.id,
    staged,
  });
}

async function stagedDigests({ table }: Engine, { file }: HeadState): Promise<Digests> {
  const rows = await table.query(uploadKey(file.uploadId).pk, DIGEST_PREFIX);
  return Object.assign({}, ...rows.map((row) => DigestState.parse(row.state).result));
}
