import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { virtualClock } from '#adapters/memory/clock.ts';
import { ticketOffice } from '../../relay/tickets.ts';

function rig() {
  const clock = virtualClock({ seed: 1, startMs: 1_800_000_000_000 });
  return { clock, office: ticketOffice({ clock, randomBytes }) };
}

describe('tickets', () => {
  it('a ticket is good for its owner, once', () => {
    const { office } = rig();
    const mine = office.issue('me');
    const yours = office.issue('you');
    expect(mine.ticket).toMatch(/^[\w-]{43}$/);
    expect(office.redeem(mine.ticket)).toBe('me');
    expect(office.redeem(mine.ticket)).toBeNull();
    expect(office.redeem(yours.ticket)).toBe('you');
    expect(office.redeem('nonsense')).toBeNull();
  });

  it('a ticket is void from 30 s on', async () => {
    const { office, clock } = rig();
    const [early, late] = [office.issue('me'), office.issue('me')];
    await clock.advance(29_999);
    expect(office.redeem(early.ticket)).toBe('me');
    await clock.advance(1);
    expect(late.expiresAtMs).toBe(clock.now());
    expect(office.redeem(late.ticket)).toBeNull();
  });

  it('of more than 10,000 outstanding tickets the oldest are void', () => {
    const { office } = rig();
    const issued = Array.from({ length: 10_001 }, () => office.issue('me').ticket);
    expect(office.redeem(issued[0] ?? '')).toBeNull();
    expect(office.redeem(issued[1] ?? '')).toBe('me');
    expect(office.redeem(issued[10_000] ?? '')).toBe('me');
  });
});
