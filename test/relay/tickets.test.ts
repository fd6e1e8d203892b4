import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type VirtualClock, virtualClock } from '#adapters/memory/clock.ts';
import { onceAmong, onceHere } from '../../relay/once.ts';
import { signedTicketOffice } from '../../relay/signed-tickets.ts';
import { type TicketOffice, ticketOffice } from '../../relay/tickets.ts';

const SECRET = 'a-secret-of-at-least-32-characters-for-tests';
const START_MS = 1_800_000_000_000;

const OFFICES: readonly (readonly [string, (clock: VirtualClock) => TicketOffice])[] = [
  ['remembered', (clock) => ticketOffice({ clock, randomBytes })],
  ['signed', (clock) => signedTicketOffice({ clock, randomBytes, secret: SECRET })],
];

describe.each(OFFICES)('tickets, %s', (_, open) => {
  function rig() {
    const clock = virtualClock({ seed: 1, startMs: START_MS });
    return { clock, office: open(clock) };
  }

  it('a ticket is good for its owner, once', async () => {
    const { office } = rig();
    const mine = office.issue('me');
    const yours = office.issue('you');
    expect(mine.ticket).toMatch(/^[\w.-]{43,400}$/);
    expect(await office.redeem(mine.ticket)).toBe('me');
    expect(await office.redeem(mine.ticket)).toBeNull();
    expect(await office.redeem(yours.ticket)).toBe('you');
    for (const nonsense of ['', '.', 'nonsense', `${mine.ticket}.`, 'bm9uc2Vuc2U.x']) {
      expect(await office.redeem(nonsense)).toBeNull();
    }
  });

  it('a ticket is void from 30 s on', async () => {
    const { office, clock } = rig();
    const [early, late] = [office.issue('me'), office.issue('me')];
    await clock.advance(29_999);
    expect(await office.redeem(early.ticket)).toBe('me');
    await clock.advance(1);
    expect(late.expiresAtMs).toBe(clock.now());
    expect(await office.redeem(late.ticket)).toBeNull();
  });
});

describe('tickets that are remembered', () => {
  it('of more than 10,000 outstanding tickets the oldest are void', async () => {
    const office = ticketOffice({ clock: virtualClock({ seed: 1, startMs: START_MS }), randomBytes });
    const issued = Array.from({ length: 10_001 }, () => office.issue('me').ticket);
    expect(await office.redeem(issued[0] ?? '')).toBeNull();
    expect(await office.redeem(issued[1] ?? '')).toBe('me');
    expect(await office.redeem(issued[10_000] ?? '')).toBe('me');
  });
});

describe('tickets that are signed', () => {
  const open = (secret = SECRET, clock = virtualClock({ seed: 1, startMs: START_MS })) => ({
    clock,
    office: signedTicketOffice({ clock, randomBytes, secret }),
  });

  it('one process issues what another redeems, by the same key and no other', async () => {
    const { ticket } = open().office.issue('me');
    expect(await open('another-secret-of-at-least-32-characters').office.redeem(ticket)).toBeNull();
    expect(await open().office.redeem(ticket)).toBe('me');
  });

  it('owner and end cannot be given another value', async () => {
    const { office } = open();
    const [content = '', signature = ''] = office.issue('me').ticket.split('.');
    const [, endMs, nonce] = JSON.parse(Buffer.from(content, 'base64url').toString());
    const forged = Buffer.from(JSON.stringify(['you', endMs + 1, nonce])).toString('base64url');
    expect(await office.redeem(`${forged}.${signature}`)).toBeNull();
  });

  it('what is signed but no ticket is refused', async () => {
    const content = Buffer.from('["me"]').toString('base64url');
    const signature = createHmac('sha256', SECRET).update(`entrepot-ticket-v1\n${content}`).digest('base64url');
    expect(await open().office.redeem(`${content}.${signature}`)).toBeNull();
  });

  it('after 10,000 within 30 s nobody is let in until the oldest are over', async () => {
    const { office, clock } = open();
    for (let count = 0; count < 10_000; count++) await office.redeem(office.issue('me').ticket);
    expect(await office.redeem(office.issue('me').ticket)).toBeNull();
    await clock.advance(30_000);
    expect(await office.redeem(office.issue('me').ticket)).toBe('me');
  });
});

describe('tickets among relays', () => {
  it('what one relay has let in another refuses; when it cannot be known, each lets it in once', async () => {
    const clock = virtualClock({ seed: 1, startMs: START_MS });
    const taken = new Map<string, number>();
    let isSilent = false;
    const unknown: unknown[] = [];
    const office = () =>
      signedTicketOffice({
        clock,
        randomBytes,
        secret: SECRET,
        once: onceAmong({
          here: onceHere(clock),
          take: async (name, ttlMs) => {
            if (isSilent) throw new Error('silent');
            if (taken.has(name)) return false;
            taken.set(name, ttlMs);
            return true;
          },
          clock,
          onUnknown: (error) => unknown.push(error),
        }),
      });
    const [a, b] = [office(), office()];
    const { ticket } = a.issue('me');
    expect([await a.redeem(ticket), await b.redeem(ticket)]).toEqual(['me', null]);
    // Longer than it is good for by any clock that is a little off.
    expect([...taken.values()]).toEqual([90_000]);
    isSilent = true;
    const another = a.issue('me').ticket;
    expect([await a.redeem(another), await b.redeem(another), await a.redeem(another)]).toEqual(['me', 'me', null]);
    expect(unknown).toHaveLength(2);
  });
});
