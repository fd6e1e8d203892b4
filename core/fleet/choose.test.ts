import { expect, test } from 'vitest';
import { type AgentId, AgentStrategy } from '#core/wire/agent.ts';
import { type Candidate, choose, FIRST_TURN } from './choose.ts';

const agent = (id: string, change: Partial<Candidate> = {}): Candidate => ({
  id: id as AgentId,
  files: 0,
  bandwidthMbps: 100,
  lastStartMs: null,
  isRefused: false,
  ...change,
});

/** Ids in the order in which they are picked; `among` may change from pick to pick. */
function picks(strategy: AgentStrategy, times: number, among: (time: number) => readonly Candidate[]): string {
  let turn = FIRST_TURN;
  return Array.from({ length: times }, (_, time) => {
    const choice = choose(strategy, among(time), turn);
    turn = choice?.turn ?? turn;
    return choice?.picked.id ?? '-';
  }).join('');
}

const [a, b, c] = [agent('a'), agent('b'), agent('c')];

test.each(AgentStrategy.options)('%s: nobody is picked of none, and the only one of one', (strategy) => {
  expect(choose(strategy, [], FIRST_TURN)).toBeNull();
  expect(picks(strategy, 3, () => [agent('a', { files: 9, lastStartMs: 5, isRefused: true })])).toBe('aaa');
});

test.each(AgentStrategy.options)('%s: who was refused lately is picked only when all were', (strategy) => {
  const refused = agent('a', { isRefused: true });
  expect(picks(strategy, 4, () => [refused, agent('b', { files: 50, lastStartMs: 99 })])).toBe('bbbb');
  expect(choose(strategy, [refused, agent('b', { isRefused: true })], FIRST_TURN)).not.toBeNull();
});

test('round-robin: one after the other by id, whoever comes or is missing meanwhile', () => {
  expect(picks('round-robin', 7, () => [c, a, b])).toBe('abcabca');
  expect(picks('round-robin', 6, (time) => (time === 1 || time === 2 ? [a, c] : [a, b, c]))).toBe('acabca');
});

test('weighted: by bandwidth, smoothly: 5, 1, 1 give a a b a c a a, and 4, 2, 1 give a b a c a b a', () => {
  const of = (...weights: readonly number[]) =>
    weights.map((bandwidthMbps, at) => agent('abc'.charAt(at), { bandwidthMbps }));
  expect(picks('weighted', 14, () => of(5, 1, 1))).toBe('aabacaaaabacaa');
  expect(picks('weighted', 14, () => of(4, 2, 1))).toBe('abacabaabacaba');
  expect(picks('weighted', 6, () => of(1, 1, 1))).toBe('abcabc');
});

test('weighted: after any number of rounds each was picked in proportion', () => {
  const all = [
    agent('a', { bandwidthMbps: 300 }),
    agent('b', { bandwidthMbps: 50 }),
    agent('c', { bandwidthMbps: 25 }),
  ];
  const counts = Object.groupBy(
    picks('weighted', 15 * 20, () => all),
    (id) => id,
  );
  expect([counts['a']?.length, counts['b']?.length, counts['c']?.length]).toEqual([240, 40, 20]);
});

test('least-busy: the fewest files for its bandwidth; of equals the one whose address has rested longest', () => {
  const of = (files: number, bandwidthMbps: number) => ({ files, bandwidthMbps });
  expect(picks('least-busy', 1, () => [agent('a', of(2, 100)), agent('b', of(3, 200)), agent('c', of(1, 20))])).toBe(
    'b',
  );
  expect(picks('least-busy', 1, () => [agent('a', of(1, 100)), agent('b', of(2, 200)), agent('c', of(0, 1))])).toBe(
    'c',
  );
  const rested = [agent('a', { lastStartMs: 30 }), agent('b', { lastStartMs: 10 }), agent('c', { lastStartMs: 20 })];
  expect(picks('least-busy', 1, () => rested)).toBe('b');
  expect(picks('least-busy', 1, () => [...rested, agent('d')])).toBe('d');
});

test('longest-rested: the address that started longest ago, or never', () => {
  const of = (lastStartMs: number | null, files = 0) => ({ lastStartMs, files });
  expect(picks('longest-rested', 1, () => [agent('a', of(30)), agent('b', of(10, 5)), agent('c', of(20))])).toBe('b');
  expect(picks('longest-rested', 1, () => [agent('a', of(30)), agent('b', of(10)), agent('c', of(null, 3))])).toBe('c');
  expect(picks('longest-rested', 1, () => [c, b, a])).toBe('a');
});
