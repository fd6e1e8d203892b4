/** A bucket full of zeros and a destination that forgets them, for counting what the engine does in between. */
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Destination, Destinations } from '#core/ports/destinations.ts';
import { type PushProvider, pushProvider, Session } from '#core/ports/provider.ts';
import type { StagedObject, StagingSource } from '#core/ports/staging.ts';
import type { UploadId } from '#core/wire/ids.ts';
import { chunkKey } from '#core/wire/keys.ts';
import { MIB } from './measure.ts';

export interface Zeros extends StagingSource {
  /** So many chunks are there from now on. */
  stagedTo(count: number): void;
}

export interface Nowhere {
  readonly session: Session;
  readonly tag: string;
  readonly partBytes: number;
  /** How long a part is under way. */
  readonly putMs: number;
  /** Faults that `open` and `finish` of a transfer each throw before they answer. */
  readonly faults: readonly Fault[];
}

const zeros = new Uint8Array(MIB);

export function zeroSource(uploadId: UploadId, chunkBytes: number, sizeBytes: number): Zeros {
  let staged = 0;
  const removed = new Set<string>();
  const objectOf = (number: number): StagedObject => ({
    key: chunkKey(uploadId, number),
    version: String(number).padStart(32, 'e'),
    sizeBytes: Math.min(chunkBytes, sizeBytes - (number - 1) * chunkBytes),
    modifiedAtMs: 0,
  });
  return {
    stagedTo: (count) => {
      staged = count;
    },
    list: async ({ after, limit }) => {
      const from = after === undefined ? 1 : Number(after.slice(-5)) + 1;
      const found = Array.from({ length: Math.max(0, staged - from + 1) }, (_, i) => objectOf(from + i));
      return found.filter(({ key }) => !removed.has(key)).slice(0, limit);
    },
    stat: async (key) => objectOf(Number(key.slice(-5))),
    read: async (_object, { start, end }) => zerosOf(end - start),
    remove: async (key) => {
      removed.add(key);
      return true;
    },
  };
}

/** One destination, whatever it is called. */
export function nowhere(clock: Clock, options: Nowhere): Destinations {
  const provider = forgetful(clock, options);
  const known = (id: string): Destination => ({
    id,
    provider: 'nowhere',
    settings: {},
    hasCredentials: false,
    placement: { on: 'here' },
    limits: {},
    createdAt: 0,
    version: '1',
  });
  const refuse = async (): Promise<never> => {
    throw new Fault('rejected', 'destination.fixed', 'this destination is what it is');
  };
  return {
    get: async (id) => known(id),
    list: async () => [known('nowhere')],
    create: refuse,
    change: refuse,
    remove: refuse,
    refusal: () => null,
    provider: async () => provider,
  };
}

function forgetful(clock: Clock, { session, tag, partBytes, putMs, faults }: Nowhere): PushProvider {
  const thrown = new Map<string, number>();
  const throwNext = (call: string): void => {
    const count = thrown.get(call) ?? 0;
    const fault = faults[count];
    thrown.set(call, count + 1);
    if (fault !== undefined) throw fault;
  };
  return pushProvider(Session, {
    id: 'nowhere',
    needs: [],
    instant: 'never',
    plan: () => ({ partBytes, inFlightMax: 8, order: 'any' }),
    open: async (item) => {
      throwNext(`open ${item.transferId}`);
      return { kind: 'ready', session };
    },
    put: async (_session, _item, part, { signal }) => {
      for await (const bytes of await part.open()) void bytes;
      await clock.sleep(putMs, signal);
      return { number: part.number, tag };
    },
    finish: async (_session, item) => {
      throwNext(`finish ${item.transferId}`);
      return { evidence: 'C', sizeBytes: item.sizeBytes, location: `${item.folder}/${item.name}` };
    },
    inspect: async () => ({ kind: 'partial', held: [] }),
    discard: async () => {},
    check: async () => ({ message: 'nothing is kept' }),
  });
}

function zerosOf(sizeBytes: number): ReadableStream<Uint8Array> {
  let left = sizeBytes;
  return new ReadableStream({
    pull: (controller) => {
      if (left === 0) return controller.close();
      const piece = zeros.subarray(0, Math.min(left, zeros.length));
      left -= piece.length;
      controller.enqueue(piece);
    },
  });
}
