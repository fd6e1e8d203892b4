import { expect, test } from 'vitest';
import * as z from 'zod';
import { virtualClock } from '#adapters/memory/clock.ts';
import { type ProviderKind, providerKind } from '#core/ports/connection.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import { folderKind } from '#providers/folder/provider.ts';
import { openAsks } from './asks.ts';
import type { WireCall } from './call.ts';
import { agentDrivers } from './drivers.ts';

const MINUTE_MS = 60_000;

function rig() {
  const clock = virtualClock({ seed: 1, startMs: 0 });
  let connected = 0;
  const counted: ProviderKind = {
    ...folderKind,
    connect: (connection) => {
      connected += 1;
      return folderKind.connect(connection);
    },
  };
  const drivers = agentDrivers(
    [counted],
    openAsks(() => undefined),
    clock,
  );
  const call = (id: string, root = '/tmp/nowhere'): WireCall => ({
    id,
    provider: 'folder',
    destinationId: 'far',
    deviceId: '0'.repeat(32),
    settings: { root },
    staging: { service: 's3', endpoint: 'http://127.0.0.1:1', bucket: 'b' },
    part: null,
    way: 'LINE',
    run: () => Promise.reject(new Error('not run here')),
  });
  return { clock, drivers, call, connected: () => connected };
}

const nothing = async (_driver: PushProvider): Promise<void> => undefined;

test('a driver stays for the next call of its destination, a minute after the last one', async () => {
  const { clock, drivers, call, connected } = rig();
  await drivers.use(call('1'), nothing);
  await clock.advance(MINUTE_MS - 1);
  await drivers.use(call('2'), nothing);
  await clock.advance(MINUTE_MS - 1);
  await drivers.use(call('3'), nothing);
  expect(connected()).toBe(1);
  await clock.advance(MINUTE_MS);
  await drivers.use(call('4'), nothing);
  expect(connected()).toBe(2);
});

test('other settings are another driver', async () => {
  const { drivers, call, connected } = rig();
  await drivers.use(call('1'), nothing);
  await drivers.use(call('2', '/tmp/elsewhere'), nothing);
  expect(connected()).toBe(2);
});

test('a driver that nobody calls can ask the home for nothing', async () => {
  const { clock, call } = rig();
  let read: (() => Promise<unknown>) | undefined;
  const asking = providerKind({
    id: 'folder',
    settings: z.object({ root: z.string() }),
    credentials: z.object({ password: z.string() }),
    siteSettings: ['root'],
    connect: (connection) => {
      read = () => connection.credentials.read();
      return folderKind.connect(connection);
    },
  });
  const own = agentDrivers(
    [asking],
    openAsks(() => undefined),
    clock,
  );
  await own.use(call('1'), nothing);
  await expect(read?.()).rejects.toMatchObject({ code: 'agent.call_over' });
});
