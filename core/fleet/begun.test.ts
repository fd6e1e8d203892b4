import { expect, test } from 'vitest';
import { hasBegun } from './begun.ts';

const unopened = { step: { phase: 'staging' }, sessionNo: 0 } as const;
const told = (type: string, code: string) => ({ ...unopened, events: [{ seq: 1, at: 0, type, code }] });

test.each([
  ['queued', 'bilibili.resting'],
  ['fault', 'bilibili.unavailable'],
  ['failed', 'bilibili.needs_person'],
])('a file has begun when its service has said something to it: %s %s', (type, code) => {
  expect(hasBegun(told(type, code))).toBe(true);
});

test.each([
  ['queued', 'agents.none'],
  ['fault', 'agent.away'],
  ['fault', 'staging.unreadable'],
  ['failed', 'destination.no_agents'],
])('nothing has begun where no service was asked: %s %s', (type, code) => {
  expect(hasBegun(told(type, code))).toBe(false);
});
