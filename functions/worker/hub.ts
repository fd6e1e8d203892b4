/** The one object that people watch: rumours come in by calls, and go out by sockets. */
import type { DurableObjectContext } from 'cloudflare:workers';
import { randomUUID } from 'node:crypto';
import type { HubDoor } from '#adapters/durable/progress.ts';
import { Envelope } from '#adapters/http-progress/envelope.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { progressHub } from '#core/progress/hub.ts';
import { parseJson } from '../../relay/codec.ts';
import { newestTransfers } from '../../relay/newest-transfers.ts';
import { signedTicketOffice } from '../../relay/signed-tickets.ts';
import { connectionStats } from '../../relay/stats-answer.ts';
import { socketViewers } from '../../relay/viewers.ts';
import { composeWorker } from './deps.ts';
import type { Bindings } from './env.ts';
import { lookout } from './lookout.ts';
import { openPair } from './pair-socket.ts';
import { redeemedTickets } from './redeemed.ts';

export interface Hub extends HubDoor {
  /** The time that it has asked to be woken at. */
  alarm(): Promise<void>;
}

/** What one object has room for, with 128 MiB of memory. */
const SOCKETS_MAX = 500;

/** Throws an Error that says in one line what this home has not been given. */
export function openHub(ctx: DurableObjectContext, bindings: Bindings): Hub {
  const near = memoryProgress();
  const home = composeWorker(bindings, near);
  const { clock } = home.engine;
  const hub = progressHub({ feed: near, clock, epoch: randomUUID(), readTransfers: newestTransfers(home.engine) });
  const viewers = socketViewers({
    hub,
    clock,
    tickets: signedTicketOffice({
      clock,
      randomBytes: home.randomBytes,
      secret: home.secrets.ENTREPOT_TICKET_KEY,
      once: redeemedTickets(ctx, clock),
    }),
    // The page comes from the same Worker.
    allowOrigin: (origin, host) => URL.canParse(origin) && new URL(origin).host === host,
    limits: { connectionsMax: SOCKETS_MAX, connectionsPerOwnerMax: SOCKETS_MAX },
  });
  const { presign, alarm } = lookout(ctx.storage, home);
  return {
    fetch: async (request) => {
      const viewer = await viewers.admit(request);
      return 'refused' in viewer ? viewer.refused : openPair(viewers, viewer);
    },
    tell: async (text) => {
      const envelope = Envelope.safeParse(parseJson(text));
      if (envelope.success) await near.publish(envelope.data.rumours);
      return envelope.success;
    },
    stats: async (ownerId) => connectionStats({ sockets: viewers, hub }, ownerId ?? undefined),
    presign,
    alarm,
  };
}
