import { expect, it } from 'vitest';
import { waves } from './waves.ts';

/** Syncs that end when told, in the order they began. */
function manualSyncs() {
  const begun: PromiseWithResolvers<void>[] = [];
  const sync = () => {
    const one = Promise.withResolvers<void>();
    begun.push(one);
    return one.promise;
  };
  return { begun, sync, turn: () => new Promise((resolve) => setImmediate(resolve)) };
}

it('callers that come together share one sync', async () => {
  const { begun, sync, turn } = manualSyncs();
  const { join } = waves(sync);
  const all = Promise.all([join(), join(), join()]);
  await turn();
  begun[0]?.resolve();
  await all;
  expect(begun).toHaveLength(1);
});

it('callers that come while a sync runs wait for the next one, which begins after it', async () => {
  const { begun, sync, turn } = manualSyncs();
  const { join } = waves(sync);
  const first = join();
  await turn();
  let late = 0;
  const others = [join(), join()].map((one) => one.then(() => late++));
  await turn();
  expect(begun).toHaveLength(1);
  begun[0]?.resolve();
  await first;
  await turn();
  expect(begun).toHaveLength(2);
  expect(late).toBe(0);
  begun[1]?.resolve();
  await Promise.all(others);
  expect(begun).toHaveLength(2);
});

it('a failed sync fails everybody: those in it, those that wait, and those that come later', async () => {
  const { begun, sync, turn } = manualSyncs();
  const { join, failed } = waves(sync);
  const inIt = expect(join()).rejects.toThrow('EIO');
  await turn();
  const waiting = expect(join()).rejects.toThrow('EIO');
  begun[0]?.reject(new Error('EIO'));
  await inIt;
  await waiting;
  await expect(join()).rejects.toThrow('EIO');
  expect(failed()).toBe(true);
  expect(begun).toHaveLength(1);
});
