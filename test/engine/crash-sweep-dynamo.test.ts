/**
 * The law of the crash sweep once more, with rows and gates in DynamoDB. Each run asks it some hundred times, so there are fewer
 * stories, and deaths at some effects of each instead of at all.
 */
import { afterAll, expect, test } from 'vitest';
import { dynamoCells } from '#adapters/dynamo/cells.ts';
import { dynamoWorkTable } from '#adapters/dynamo/work-table.ts';
import { startDynamoLine } from './crash-sweep-dynamo-line.ts';
import { sweepCrashes } from './crash-sweep-laws.ts';
import type { Story } from './crash-sweep-run.ts';
import { canceledUnderWay, staged, triedAgain } from './crash-sweep-stories.ts';

const TIMEOUT_MS = 180_000;

const line = startDynamoLine();
afterAll(() => line.stop());

const stories: readonly (readonly [string, number, Story])[] = [
  ['an empty file', 1, { tell: staged({ sizeBytes: 0 }) }],
  ['chunks and parts', 4, { tell: staged({ sizeBytes: 25 }) }],
  ['a cancel under way', 11, canceledUnderWay],
  ['a failure, and somebody who tries again', 13, triedAgain],
];

test.each(stories)(
  '%s: a death before or after one effect of %d changes nothing in the end',
  async (_title, every, story) => {
    const sabotage = () => {
      const name = line.freshTable();
      return { table: () => dynamoWorkTable(line.client, name), cells: () => dynamoCells(line.client, name) };
    };
    expect(await sweepCrashes({ ...story, sabotage }, every)).toBeGreaterThan(12);
  },
  TIMEOUT_MS,
);
