import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Destination, Destinations } from '#core/ports/destinations.ts';
import { type DataDir, openDataDir } from './data-dir.ts';
import { followMove } from './moved.ts';

let base: string;
let data: DataDir;
let kept: Map<string, Readonly<Record<string, unknown>>>;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'entrepot-moved-'));
  data = openDataDir(join(base, 'old'));
  kept = new Map();
});
afterEach(() => {
  data.close();
  rmSync(base, { recursive: true, force: true });
});

const destinations: Pick<Destinations, 'list' | 'change'> = {
  list: async () =>
    [...kept].map(([id, settings]) => ({
      id,
      provider: id === 's3' ? 's3' : 'folder',
      settings,
      hasCredentials: false,
      placement: { on: 'here' },
      limits: {},
      createdAt: 0,
      version: '1',
    })),
  change: async (id, { settings = {} }): Promise<Destination> => {
    kept.set(id, settings);
    return {
      id,
      provider: 'folder',
      settings,
      hasCredentials: false,
      placement: { on: 'here' },
      limits: {},
      createdAt: 0,
      version: '1',
    };
  },
};

function move(to: string): void {
  data.close();
  renameSync(data.root, join(base, to));
  data = openDataDir(join(base, to));
}

it('folders inside the directory go with it, and others stay where they are', async () => {
  const before = {
    inside: { root: join(base, 'old', 'delivered'), onConflict: 'fail' },
    deeper: { root: join(base, 'old', 'a', 'b') },
    beside: { root: join(base, 'older', 'delivered') },
    above: { root: base },
    relative: { root: 'delivered' },
    s3: { root: join(base, 'old', 'delivered') },
  };
  kept = new Map(Object.entries(before));
  await followMove(data, destinations);
  expect(Object.fromEntries(kept)).toEqual(before);
  move('new');
  await followMove(data, destinations);
  const after = {
    ...before,
    inside: { root: join(base, 'new', 'delivered'), onConflict: 'fail' },
    deeper: { root: join(base, 'new', 'a', 'b') },
  };
  expect(Object.fromEntries(kept)).toEqual(after);
  await followMove(data, destinations);
  expect(Object.fromEntries(kept)).toEqual(after);
});

it('a move that was half followed is followed again', async () => {
  kept = new Map([
    ['a', { root: join(base, 'old', 'a') }],
    ['b', { root: join(base, 'old', 'b') }],
  ]);
  await followMove(data, destinations);
  move('new');
  const { change } = destinations;
  const once = {
    ...destinations,
    change: (id: string, to: Parameters<typeof change>[1]) =>
      id === 'b' ? Promise.reject(new Error('died')) : change(id, to),
  };
  await expect(followMove(data, once)).rejects.toThrow('died');
  await followMove(data, destinations);
  expect([...kept.values()]).toEqual([{ root: join(base, 'new', 'a') }, { root: join(base, 'new', 'b') }]);
});
