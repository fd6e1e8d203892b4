import { describe, expect, it } from 'vitest';
import { virtualClock } from '#adapters/memory/clock.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { progressHub } from '#core/progress/hub.ts';
import type { ViewerSocket } from '../../relay/connection.ts';
import { socketViewers } from '../../relay/viewers.ts';

const BEAT_MS = 25_000;

async function rig(line: 'pings' | 'cannot ping') {
  const clock = virtualClock({ seed: 1, startMs: 1_800_000_000_000 });
  const hub = progressHub({ feed: memoryProgress(), clock, epoch: 'e', readTransfers: async () => [] });
  const tickets = { redeem: async (ticket: string) => (ticket === 'good' ? 'local' : null) };
  const viewers = socketViewers({ hub, tickets, clock, allowOrigin: () => true });
  const headers = { upgrade: 'websocket', 'sec-websocket-protocol': 'entrepot.v1, ticket.good' };
  const viewer = await viewers.admit(new Request('http://localhost/ws', { headers }));
  if ('refused' in viewer) throw new Error('refused');
  const admitted = viewer;

  function enter() {
    const seen = { pings: 0, isCut: false };
    const socket: ViewerSocket = {
      isOpen: () => !seen.isCut,
      bufferedBytes: () => 0,
      send: () => undefined,
      ping: line === 'pings' ? () => void seen.pings++ : null,
      close: () => undefined,
      terminate: () => {
        seen.isCut = true;
        connection?.end();
      },
    };
    const connection = viewers.enter(admitted, socket);
    if (connection === null) throw new Error('sent away');
    return { seen, connection };
  }
  return { clock, viewers, enter };
}

describe('viewers', () => {
  it('where a line can be asked, two beats without an answer end it', async () => {
    const { clock, viewers, enter } = await rig('pings');
    const { seen, connection } = enter();
    await clock.advance(2 * BEAT_MS);
    connection.alive();
    await clock.advance(2 * BEAT_MS);
    expect(seen).toEqual({ pings: 4, isCut: false });
    await clock.advance(BEAT_MS);
    expect([seen.isCut, viewers.stats().connections]).toEqual([true, 0]);
  });

  it('where it cannot, silence ends only those who have spoken before', async () => {
    const { clock, viewers, enter } = await rig('cannot ping');
    const [mute, talker] = [enter(), enter()];
    talker.connection.hear('{"event":"ping","data":{"timestamp":1}}');
    await clock.advance(10 * BEAT_MS);
    expect([mute.seen.isCut, talker.seen.isCut, viewers.stats().connections]).toEqual([false, true, 1]);
  });

  it('no timer runs when nobody is there, and beats begin again with the next', async () => {
    const { clock, enter } = await rig('pings');
    enter().connection.end();
    await clock.advance(3 * BEAT_MS);
    const { seen } = enter();
    await clock.advance(BEAT_MS);
    expect(seen.pings).toBe(1);
  });
});
