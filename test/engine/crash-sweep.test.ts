/**
 * Law: whatever is in memory may die before and after every effect of a transfer; what is durable, the end of leases and the
 * sweep bring it to the same end. One intact file, no part sent that is known to be there, nothing finished twice.
 */
import { createCRC64, createMD5, createSHA1, createSHA256 } from 'hash-wasm';
import { beforeAll, expect, test } from 'vitest';
import { sweepCrashes } from './crash-sweep-laws.ts';
import { appends, forgetsReceipts, losesTheDue } from './crash-sweep-mutants.ts';
import { placedOnAgents } from './crash-sweep-placed.ts';
import type { Story } from './crash-sweep-run.ts';
import {
  answeringClient,
  blind,
  canceledUnderWay,
  cutThrough,
  fromInbox,
  instantByDigest,
  sha1Of,
  shortCanceledUnderWay,
  staged,
  triedAgain,
} from './crash-sweep-stories.ts';

/** Compiling a hash takes real time, once: from then on every run takes the same turns. */
beforeAll(async () => {
  await Promise.all([createSHA1(), createMD5(), createSHA256(), createCRC64()]);
});

const ascending = { order: 'ascending', inFlightMax: 8 } as const;
const twoStripes = { limits: { parts: 10, functionParts: 5 } } as const;

const stories: readonly (readonly [string, Story])[] = [
  ['chunks that come while it runs', { tell: cutThrough }],
  [
    'chunks that come while it runs, parts that cannot be listed',
    { rigs: { rig: { ...blind, partBytes: 15 } }, tell: cutThrough },
  ],
  ['ascending parts, chunks that come while it runs', { rigs: { rig: ascending }, tell: cutThrough }],
  [
    'ascending parts that cannot be listed, chunks that come while it runs',
    { rigs: { rig: { ...ascending, ...blind } }, tell: cutThrough },
  ],
  [
    'more parts than one block, by one',
    { rigs: { rig: { partBytes: 4 } }, tell: staged({ sizeBytes: 131, chunkBytes: 50 }) },
  ],
  [
    'more parts than one block, by one, which cannot be listed',
    { rigs: { rig: { ...blind, partBytes: 4 } }, tell: staged({ sizeBytes: 131, chunkBytes: 50 }) },
  ],
  [
    'ascending parts, more than one block',
    { rigs: { rig: { ...ascending, partBytes: 4 } }, tell: staged({ sizeBytes: 130, chunkBytes: 50 }) },
  ],
  [
    'two stripes, one with a second block',
    {
      rigs: { rig: { partBytes: 4, inFlightMax: 16 } },
      ...twoStripes,
      tell: staged({ sizeBytes: 258, chunkBytes: 100 }),
    },
  ],
  [
    'two stripes of parts that cannot be listed',
    {
      rigs: { rig: { ...blind, partBytes: 4, inFlightMax: 16 } },
      ...twoStripes,
      tell: staged({ sizeBytes: 134, chunkBytes: 100 }),
    },
  ],
  ['a claimed digest', { tell: staged({ sizeBytes: 45, digests: { sha1: sha1Of(45) } }) }],
  ['a digest that must be computed', { rigs: { rig: { needs: ['sha1'] } }, tell: staged({ sizeBytes: 45 }) }],
  [
    'questions that the staged bytes answer',
    { rigs: { rig: { needs: ['sha1'], instant: 'by-digest', askRounds: 2 } }, tell: answeringClient('staged') },
  ],
  [
    'a file that is there already, after two questions',
    {
      rigs: { rig: { needs: ['sha1'], instant: 'by-digest' } },
      sabotage: instantByDigest,
      tell: answeringClient('never'),
    },
  ],
  ['an object in the inbox', { tell: fromInbox }],
  [
    'two destinations',
    { rigs: { a: { partBytes: 7 }, b: { ...blind, order: 'ascending' } }, tell: staged({ sizeBytes: 35 }) },
  ],
  ['a destination placed on agents, one of which dies too', placedOnAgents(60)],
  ['a destination placed on agents that read the bucket for themselves', placedOnAgents(35, 'from the bucket')],
  ['an empty file', { tell: staged({ sizeBytes: 0 }) }],
  ['a short file', { tell: staged({ sizeBytes: 9 }) }],
  ['a short file whose part cannot be listed', { rigs: { rig: blind }, tell: staged({ sizeBytes: 9 }) }],
  ['a short object in the inbox', { rigs: { rig: { partBytes: 100 } }, tell: fromInbox }],
  ['a short file that is canceled under way', shortCanceledUnderWay],
  ['a cancel under way', canceledUnderWay],
  ['a failure, and somebody who tries again', triedAgain],
];

test.each(stories)('%s: a death before or after any effect changes nothing in the end', async (_title, story) => {
  expect(await sweepCrashes(story)).toBeGreaterThan(12);
});

test.each([
  ['a table that forgets committed receipts', forgetsReceipts, /\d+ parts were put again that had landed/],
  ['a destination that finishes twice and does not know of the first time', appends, /2 files are at the destination/],
  ['a table in which nothing is due', losesTheDue, /nothing brings it on any more/],
] as const)('the sweep notices %s, by one death alone', async (_title, mutant, law) => {
  const caught: unknown = await sweepCrashes(mutant).catch((error: unknown) => error);
  expect(String(caught)).toMatch(/dead (before|after) effect \d+ of \d+/);
  expect(String(caught)).toMatch(law);
});
