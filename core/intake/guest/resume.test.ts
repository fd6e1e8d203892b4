import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StoredPart } from '#core/ports/multipart.ts';
import { isTorn, judge, listedTag, listing, type NamedPart, NO_TRUST, type Trust, type Verdict } from './resume.ts';

/** A tag names the bytes [start, end) of the file, so that what was delivered can be told from what should have been. */
const tagOf = (start: number, end: number) => `${start}-${end}`;

/** A client's cut of a file: sizes are in units, of which a part has at least five. */
interface Cut {
  readonly sizeBytes: number;
  readonly partBytes: number;
}

const countOf = ({ sizeBytes, partBytes }: Cut) => Math.max(1, Math.ceil(sizeBytes / partBytes));

function partOf({ sizeBytes, partBytes }: Cut, number: number): StoredPart {
  const start = (number - 1) * partBytes;
  const end = Math.min(sizeBytes, start + partBytes);
  return { number, tag: tagOf(start, end), sizeBytes: end - start };
}

/** One visit of a client: it resumes, sends some of what it lacks, and ends or dies. */
interface Visit {
  readonly partBytes: number;
  /** Which of the missing parts it sends, by their place among them; beyond their number: all. */
  readonly sends: readonly number[];
  readonly isAll: boolean;
}

interface Story {
  trust: Trust;
  readonly store: Map<number, StoredPart>;
}

const storedIn = ({ store }: Story) => [...store.values()].sort((a, b) => a.number - b.number);

/** Null: it died or was refused on the way. */
function visited(story: Story, cut: Cut, visit: Visit, declaredBytes: number | null): Verdict | null {
  const tags = new Map<number, string>();
  if (story.store.size > 0 || story.trust.listings > 0) {
    const told = listing(story.trust, storedIn(story));
    if (told.kind === 'refused') return { kind: 'refused', code: told.code };
    story.trust = told.trust;
    for (const { number, tag } of told.parts) tags.set(number, listedTag(tag));
  }
  const count = countOf(cut);
  const missing = Array.from({ length: count }, (_, i) => i + 1).filter((number) => !tags.has(number));
  for (const number of missing.filter((_, at) => visit.isAll || visit.sends.includes(at))) {
    story.store.set(number, partOf(cut, number));
    tags.set(number, partOf(cut, number).tag);
  }
  const named: NamedPart[] = [];
  for (let number = 1; number <= count; number++) {
    const tag = tags.get(number);
    if (tag === undefined) return null;
    named.push({ number, tag });
  }
  const verdict = judge(story.trust, { declaredBytes, sameTag: true }, named, storedIn(story));
  if (verdict.kind === 'unproven') story.trust = { ...story.trust, withhold: true };
  return verdict;
}

const newStory = (): Story => ({ trust: NO_TRUST, store: new Map() });

/** What the store would make of it is the client's file, byte for byte. */
function expectWhole(story: Story, cut: Cut): void {
  const made = storedIn(story).map(({ tag }) => tag);
  const right = Array.from({ length: countOf(cut) }, (_, i) => partOf(cut, i + 1).tag);
  expect(made).toEqual(right);
}

const visits = fc.array(
  fc.record({
    partBytes: fc.integer({ min: 5, max: 14 }),
    sends: fc.uniqueArray(fc.nat(11), { maxLength: 6 }),
    isAll: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
);

describe('whatever the visits of clients that cut one file in their own ways', () => {
  test.each([
    ['tell nothing', false],
    ['tell its size', true],
  ])('and %s: what is taken is their file', (_, isDeclared) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 90 }), visits, (sizeBytes, all) => {
        const story = newStory();
        for (const visit of all) {
          const cut = { sizeBytes, partBytes: visit.partBytes };
          const verdict = visited(story, cut, visit, isDeclared ? sizeBytes : null);
          if (verdict?.kind === 'refused') return;
          if (verdict?.kind !== 'whole') continue;
          expect(verdict.sizeBytes).toBe(sizeBytes);
          expectWhole(story, cut);
          return;
        }
      }),
      { numRuns: 20_000 },
    );
  });
});

test('a client that always cuts alike is never refused, and one more visit is all that a proof needs', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 90 }),
      fc.integer({ min: 5, max: 14 }),
      visits,
      (sizeBytes, partBytes, all) => {
        const story = newStory();
        const cut = { sizeBytes, partBytes };
        const all2 = [...all, { partBytes, sends: [], isAll: true }, { partBytes, sends: [], isAll: true }];
        const verdicts = all2.map((visit) => visited(story, cut, visit, null));
        expect(verdicts.map((verdict) => verdict?.kind)).not.toContain('refused');
        expect(verdicts.slice(-2).map((verdict) => verdict?.kind)).toContain('whole');
      },
    ),
    { numRuns: 5_000 },
  );
});

const all = (partBytes: number): Visit => ({ partBytes, sends: [], isAll: true });
const some = (partBytes: number, ...sends: number[]): Visit => ({ partBytes, sends, isAll: false });

test('23 units with two parts of 5, resumed with 8: the piece that is added does not fit', () => {
  const story = newStory();
  visited(story, { sizeBytes: 23, partBytes: 5 }, some(5, 0, 1), null);
  expect(visited(story, { sizeBytes: 23, partBytes: 8 }, all(8), null)).toEqual({
    kind: 'refused',
    code: 'guest.part_size_changed',
  });
});

test('20 units with two parts of 5, resumed with 8: the sizes fit by chance, and it is not taken before it is shown', () => {
  const story = newStory();
  const cut = { sizeBytes: 20, partBytes: 8 };
  visited(story, { sizeBytes: 20, partBytes: 5 }, some(5, 0, 1), null);
  expect(visited(story, cut, all(8), null)).toEqual({ kind: 'unproven' });
  expect(visited(story, cut, all(8), null)).toMatchObject({ kind: 'refused' });
});

test('21 units of which only the last piece of 8, 8, 5 is there, resumed with 5', () => {
  const story = newStory();
  const cut = { sizeBytes: 21, partBytes: 5 };
  visited(story, { sizeBytes: 21, partBytes: 8 }, some(8, 2), null);
  expect(visited(story, cut, all(5), null)).toEqual({ kind: 'unproven' });
  expect(visited(story, cut, all(5), null)).toEqual({ kind: 'whole', sizeBytes: 21 });
  expectWhole(story, cut);
});

test('with the size told, a resumption of which nothing is left to send needs no second one', () => {
  const story = newStory();
  const cut = { sizeBytes: 23, partBytes: 5 };
  visited(story, cut, some(5, 0, 1, 2, 3, 4), null);
  expect(visited(story, cut, all(5), 23)).toEqual({ kind: 'whole', sizeBytes: 23 });
});

test('another file of the same size is noticed where it is sent again', () => {
  const story = newStory();
  const cut = { sizeBytes: 23, partBytes: 5 };
  visited(story, cut, some(5, 0, 1, 2, 3), null);
  expect(visited(story, cut, all(5), null)).toEqual({ kind: 'unproven' });
  const told = listing(story.trust, storedIn(story));
  if (told.kind === 'refused') throw new Error(told.code);
  expect(told.parts.map(({ number }) => number)).toEqual([1, 2]);
  const changed = storedIn(story).map((part) => (part.number > 2 ? { ...part, tag: `other ${part.number}` } : part));
  const named = changed.map(({ number, tag }) => ({ number, tag: number > 2 ? tag : listedTag(tag) }));
  const facts = { declaredBytes: null, sameTag: true };
  expect(judge(told.trust, facts, named, changed)).toEqual({ kind: 'refused', code: 'guest.file_changed' });
  expect(judge(told.trust, { ...facts, sameTag: false }, named, changed)).toMatchObject({ kind: 'whole' });
});

test('a list that does not name what is there is not taken', () => {
  const cut = { sizeBytes: 12, partBytes: 5 };
  const stored = [1, 2, 3].map((number) => partOf(cut, number));
  const facts = { declaredBytes: null, sameTag: true };
  const kindOf = (named: readonly NamedPart[], there = stored) => judge(NO_TRUST, facts, named, there).kind;
  expect(kindOf(stored)).toBe('whole');
  expect(kindOf([])).toBe('refused');
  expect(kindOf([], [])).toBe('unlike');
  expect(kindOf(stored, stored.slice(0, 2))).toBe('unlike');
  expect(kindOf(stored.slice(0, 2))).toBe('refused');
  expect(kindOf(stored.map((part) => ({ ...part, tag: 'x' })))).toBe('unlike');
});

test('a client that signs on behind a piece that is too short has been found out', () => {
  const trust = { ...NO_TRUST, partBytes: 5 };
  const cut = { sizeBytes: 12, partBytes: 5 };
  expect(isTorn(trust, [partOf(cut, 1), partOf(cut, 2)])).toBe(false);
  expect(isTorn(trust, [partOf(cut, 2), partOf(cut, 3)])).toBe(true);
});
