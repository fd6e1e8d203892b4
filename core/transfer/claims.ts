/** Digests that a client claimed, held against those of the bytes that it staged. */
import { Fault } from '#core/fault.ts';
import type { Release } from '#core/ports/work-table.ts';
import type { HeadState } from '#core/state.ts';
import { DigestAlgorithm, type Digests } from '#core/wire/digest.ts';
import type { Engine } from './engine.ts';
import { endWith, failure } from './head-step.ts';

/** A claimed digest that differs from the computed one; undefined when those that are computed agree. */
export function wrongClaim({ file }: HeadState, computed: Digests): DigestAlgorithm | undefined {
  return DigestAlgorithm.options.find((algorithm) => {
    const [claim, found] = [file.claimed[algorithm], computed[algorithm]];
    return claim !== undefined && found !== undefined && claim !== found;
  });
}

/** The end of a transfer whose bytes are not those that were announced. */
export function mismatched(engine: Engine, head: HeadState, algorithm: DigestAlgorithm): Release {
  const reason = `the staged bytes do not have the ${algorithm} that was announced`;
  return endWith(engine, head, failure(engine, head, new Fault('rejected', 'digest.mismatch', reason)));
}
