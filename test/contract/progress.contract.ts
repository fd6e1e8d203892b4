/** What every way of telling rumours must keep. */
import { expect } from 'vitest';
import { transferIdFrom } from '#core/ids.ts';
import type { ProgressFeed, ProgressSink, Rumour } from '#core/ports/progress.ts';
import { UploadId } from '#core/wire/ids.ts';
import { type ContractRun, contract, type Laws } from './suite.ts';

export function progressContract(run: ContractRun<ProgressSink & ProgressFeed>): void {
  contract('progress', laws, run);
}

const UPLOAD = UploadId.parse('upl_01HZZZZZZZZZZZZZZZZZZZZZZZ');

function rumour(number: number): Rumour {
  return { kind: 'staged', ownerId: 'local', uploadId: UPLOAD, chunks: [{ number, sizeBytes: 1 }] };
}

/** A listener that keeps what it hears, and a promise of having heard `count` rumours. */
function ear(count: number) {
  const heard: Rumour[] = [];
  const { promise: full, resolve } = Promise.withResolvers<void>();
  const listener = (rumours: readonly Rumour[]) => {
    heard.push(...rumours);
    if (heard.length >= count) resolve();
  };
  return { heard, full, listener };
}

const laws: Laws<ProgressSink & ProgressFeed> = {
  'every listener hears every rumour in the order of publishing': async (progress) => {
    const ears = [ear(5), ear(5)];
    for (const { listener } of ears) progress.subscribe(listener);
    await progress.publish([rumour(1), rumour(2)]);
    for (const number of [3, 4, 5]) await progress.publish([rumour(number)]);
    for (const { heard, full } of ears) {
      await full;
      expect(heard).toEqual([1, 2, 3, 4, 5].map(rumour));
    }
  },
  'what is told of transfers that are gone arrives as it was told': async (progress) => {
    const { heard, full, listener } = ear(1);
    progress.subscribe(listener);
    const gone: Rumour = { kind: 'removed', ownerId: 'local', transferIds: [transferIdFrom(UPLOAD, 0)] };
    await progress.publish([gone]);
    await full;
    expect(heard).toEqual([gone]);
  },
  'publish does not reject, with or without listeners, whatever they do': async (progress) => {
    await progress.publish([rumour(1)]);
    progress.subscribe(() => {
      throw new Error('a listener that throws');
    });
    await progress.publish([rumour(2)]);
    await progress.publish([]);
  },
  'a listener that throws does not stop the others, nor its own next rumour': async (progress) => {
    const heard: unknown[] = [];
    progress.subscribe((rumours) => {
      heard.push(...rumours);
      throw new Error('a listener that throws');
    });
    const other = ear(2);
    progress.subscribe(other.listener);
    await progress.publish([rumour(1)]);
    await progress.publish([rumour(2)]);
    await other.full;
    expect(heard).toHaveLength(2);
  },
  'a listener that never comes to an end delays nobody': async (progress) => {
    progress.subscribe(() => new Promise<void>(() => undefined));
    const other = ear(2);
    progress.subscribe(other.listener);
    await progress.publish([rumour(1)]);
    await progress.publish([rumour(2)]);
    await other.full;
    expect(other.heard).toHaveLength(2);
  },
  'a listener that rejects harms nobody': async (progress) => {
    progress.subscribe(() => Promise.reject(new Error('a listener that rejects')));
    const other = ear(1);
    progress.subscribe(other.listener);
    await progress.publish([rumour(1)]);
    await other.full;
  },
  'who has unsubscribed hears nothing more; doing so twice is fine': async (progress) => {
    const gone = ear(1);
    const other = ear(2);
    const unsubscribe = progress.subscribe(gone.listener);
    progress.subscribe(other.listener);
    await progress.publish([rumour(1)]);
    await gone.full;
    unsubscribe();
    unsubscribe();
    await progress.publish([rumour(2)]);
    await other.full;
    expect(gone.heard).toHaveLength(1);
  },
  'one listener subscribed twice hears twice, and ends each subscription on its own': async (progress) => {
    const twice = ear(2);
    const unsubscribe = progress.subscribe(twice.listener);
    progress.subscribe(twice.listener);
    await progress.publish([rumour(1)]);
    await twice.full;
    unsubscribe();
    const other = ear(1);
    progress.subscribe(other.listener);
    await progress.publish([rumour(2)]);
    await other.full;
    expect(twice.heard).toHaveLength(3);
  },
};
