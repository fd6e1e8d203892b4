import { describe, expect, it } from 'vitest';
import { type ContractRun, casesOf, type Laws } from './suite.ts';

const laws: Laws<{ readonly size: number }> = {
  'is small': ({ size }) => expect(size).toBeLessThan(10),
  'is big': async ({ size }) => expect(size).toBeGreaterThan(10),
};

async function failed(run: Partial<ContractRun<{ readonly size: number }>>): Promise<readonly string[]> {
  const cases = casesOf(laws, { name: 'one', make: () => ({ subject: { size: 1 } }), ...run });
  const outcomes = await Promise.allSettled(cases.map((entry) => entry.run()));
  return cases.filter((_, index) => outcomes[index]?.status === 'rejected').map(({ title }) => title);
}

const because = 'it is one';

describe('contract suite', () => {
  it('a law that is broken fails, the others do not', async () => {
    expect(await failed({})).toEqual(['is big']);
  });

  it('an excepted law that is broken passes', async () => {
    expect(await failed({ except: [{ law: 'is big', because }] })).toEqual([]);
  });

  it('an excepted law that is kept after all fails', async () => {
    const except = [
      { law: 'is big', because },
      { law: 'is small', because },
    ];
    expect(await failed({ except })).toEqual(['not kept: is small (it is one)']);
  });

  it('an exception to a law that does not exist fails', async () => {
    expect(await failed({ except: [{ law: 'is blue', because }] })).toEqual(['is big', 'excepted: is blue']);
  });

  it('an adapter that cannot be made or cleaned up fails also where the law is excepted', async () => {
    const except = [{ law: 'is big', because }];
    const titles = ['is small', 'not kept: is big (it is one)'];
    const broken = () => {
      throw new Error('broken');
    };
    expect(await failed({ except, make: broken })).toEqual(titles);
    expect(await failed({ except, make: () => ({ subject: { size: 1 }, cleanup: broken }) })).toEqual(titles);
  });

  it('each law gets a subject of its own, cleaned up after it', async () => {
    const log: string[] = [];
    const make = () => {
      log.push('made');
      return { subject: { size: 1 }, cleanup: () => void log.push('cleaned') };
    };
    await failed({ make });
    expect(log.toSorted()).toEqual(['cleaned', 'cleaned', 'made', 'made']);
  });
});
