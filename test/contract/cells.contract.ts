/** What every store of cells must keep. */
import { expect } from 'vitest';
import type { Cells } from '#core/ports/cells.ts';
import { type ContractRun, contract, type Laws } from './suite.ts';

const KEY = { pk: 'D#nas', sk: 'GATE' };

export function cellsContract(run: ContractRun<Cells>): void {
  contract('cells', laws, run);
}

const laws: Laws<Cells> = {
  'an absent cell reads as null': async (cells) => {
    expect(await cells.read(KEY)).toBeNull();
  },
  'a swap from 0 creates version 1, and only while the cell is absent': async (cells) => {
    expect(await cells.swap(KEY, 0, { a: 1 })).toBe(true);
    expect(await cells.read(KEY)).toEqual({ ...KEY, v: 1, value: { a: 1 } });
    expect(await cells.swap(KEY, 0, { a: 2 })).toBe(false);
    expect((await cells.read(KEY))?.value).toEqual({ a: 1 });
  },
  'each swap raises the version by one; an old or future version changes nothing': async (cells) => {
    for (let v = 0; v < 4; v++) expect(await cells.swap(KEY, v, { v })).toBe(true);
    for (const v of [0, 1, 3, 5]) expect(await cells.swap(KEY, v, 'forged')).toBe(false);
    expect(await cells.read(KEY)).toEqual({ ...KEY, v: 4, value: { v: 3 } });
  },
  'of 100 racing swaps of one version exactly one wins, absent or present': async (cells) => {
    for (let v = 0; v < 3; v++) {
      const swaps = await Promise.all(Array.from({ length: 100 }, (_, n) => cells.swap(KEY, v, { n })));
      expect(swaps.filter(Boolean)).toHaveLength(1);
      expect(await cells.read(KEY)).toEqual({ ...KEY, v: v + 1, value: { n: swaps.indexOf(true) } });
    }
  },
  'read-and-swap loops of many writers lose no increment': async (cells) => {
    await cells.swap(KEY, 0, 0);
    const increment = async (): Promise<void> => {
      const cell = await cells.read(KEY);
      if (cell === null || !(await cells.swap(KEY, cell.v, Number(cell.value) + 1))) await increment();
    };
    await Promise.all(Array.from({ length: 20 }, increment));
    expect(await cells.read(KEY)).toEqual({ ...KEY, v: 21, value: 20 });
  },
  'drop removes only the version it names; the cell then starts at 1 again': async (cells) => {
    await cells.swap(KEY, 0, 'a');
    for (const v of [0, 2]) expect(await cells.drop(KEY, v)).toBe(false);
    expect(await cells.drop(KEY, 1)).toBe(true);
    expect(await cells.drop(KEY, 1)).toBe(false);
    expect(await cells.read(KEY)).toBeNull();
    expect(await cells.swap(KEY, 0, 'b')).toBe(true);
    expect((await cells.read(KEY))?.v).toBe(1);
  },
  'any JSON of 32 KiB comes back as it was, and is a copy': async (cells) => {
    const value = {
      text: `\u0000"'\\\ud800 🚀 测试`,
      list: [1.5, null, true, { deep: '' }],
      filler: 'x'.repeat(32_500),
    };
    await cells.swap(KEY, 0, value);
    const once = await cells.read(KEY);
    expect(once?.value).toEqual(value);
    Object.assign(Object(once?.value), { text: 'forged' });
    expect((await cells.read(KEY))?.value).toEqual(value);
    await cells.swap(KEY, 1, null);
    expect((await cells.read(KEY))?.value).toBeNull();
  },
  'list gives the cells of one pk, ascending, page by page': async (cells) => {
    const sks = Array.from({ length: 12 }, (_, n) => `DEST#${String(n).padStart(2, '0')}`);
    for (const sk of [...sks].reverse()) await cells.swap({ pk: 'A', sk }, 0, sk);
    await cells.swap({ pk: 'AB', sk: 'x' }, 0, 'x');
    expect(await cells.list('A', { limit: 100 })).toEqual(sks.map((sk) => ({ pk: 'A', sk, v: 1, value: sk })));
    const page = async (after: string) => (await cells.list('A', { after, limit: 5 })).map(({ sk }) => sk);
    expect(await page('DEST#04')).toEqual(sks.slice(5, 10));
    expect(await page('DEST#09')).toEqual(sks.slice(10));
    expect(await page('DEST#11')).toEqual([]);
    expect(await cells.list('none', { limit: 5 })).toEqual([]);
  },
};
