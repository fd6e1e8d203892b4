import { expect, test } from 'vitest';
import { sharedDirectorySyncs } from './directory-syncs.ts';

interface Sync {
  readonly directory: string;
  end(error?: Error): void;
}

function recorded() {
  const begun: Sync[] = [];
  const sync = sharedDirectorySyncs(
    (directory) =>
      new Promise((resolve, reject) => {
        begun.push({ directory, end: (error) => (error === undefined ? resolve() : reject(error)) });
      }),
  );
  return { begun, sync };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('who comes while a sync is under way shares the one after it with all who come meanwhile', async () => {
  const { begun, sync } = recorded();
  const first = sync('/a');
  await turn();
  const others = [sync('/a'), sync('/a'), sync('/a')];
  await turn();
  expect(begun).toHaveLength(1);
  begun[0]?.end();
  await first;
  await turn();
  expect(begun).toHaveLength(2);
  begun[1]?.end();
  await Promise.all(others);
});

test('folders do not wait for each other', async () => {
  const { begun, sync } = recorded();
  const syncs = [sync('/a'), sync('/b')];
  await turn();
  expect(begun.map(({ directory }) => directory)).toEqual(['/a', '/b']);
  for (const { end } of begun) end();
  await Promise.all(syncs);
});

test('a sync that failed fails those who waited for it, and the next caller begins anew', async () => {
  const { begun, sync } = recorded();
  const failing = sync('/a');
  await turn();
  const failure = new Error('the disk is gone');
  begun[0]?.end(failure);
  await expect(failing).rejects.toBe(failure);
  const next = sync('/a');
  await turn();
  begun[1]?.end();
  await expect(next).resolves.toBeUndefined();
});
