import { describe, expect, test } from 'vitest';
import { createLab, type Lab, type LabFile } from './lab.ts';
import { script } from './script.ts';

const BUSY = { limits: { files: 1 }, rigs: { rig: { putMs: () => 4_000 } } } as const;

async function backlog(lab: Lab, count: number): Promise<LabFile[]> {
  const files: LabFile[] = [];
  for (let i = 0; i < count; i++) {
    const file = await lab.announce({ sizeBytes: 300 });
    await lab.stage(file);
    await lab.pass(100);
    files.push(file);
  }
  return files;
}

const doneCount = async (lab: Lab, files: readonly LabFile[]): Promise<number> => {
  const rows = await Promise.all(files.map((file) => lab.row(file.transferIds[0]!)));
  return rows.filter(({ phase }) => phase === 'done').length;
};

describe('a destination that takes one file at a time', () => {
  test('takes them in the order of their age, each as soon as the one before it is through', async () => {
    const lab = createLab(BUSY);
    const files = await backlog(lab, 8);
    for (const [index, file] of files.entries()) {
      await lab.ended(file, 60_000);
      expect(await doneCount(lab, files)).toBe(index + 1);
    }
  });

  test('goes on with a file whose function died before it turns to those that wait', async () => {
    const lab = createLab(BUSY);
    const files = await backlog(lab, 30);
    expect((await lab.row(files[0]!.transferIds[0]!)).phase).toBe('moving');
    lab.killAll();
    await lab.until(async () => (await doneCount(lab, files)) >= 4);
    expect((await lab.row(files[0]!.transferIds[0]!)).phase).toBe('done');
  });

  test('finishes a file whose function died at its end, however many wait', async () => {
    const fates = script();
    // The head lets go of its row first, then the stripe: it has ended, and nobody tells the head.
    fates.next('table.release', {});
    fates.next('table.release', { dies: 'after' });
    const lab = createLab({ ...BUSY, fates });
    const files = await backlog(lab, 30);
    await lab.until(async () => (await doneCount(lab, files)) >= 4);
    expect((await lab.row(files[0]!.transferIds[0]!)).phase).toBe('done');
  });

  test('is looked at once for each file whose bytes are late, and not again and again by those that looked', async () => {
    const lab = createLab({ limits: { files: 3 } });
    const { world } = lab;
    const send = world.onSend;
    let hints = 0;
    world.onSend = (process, jobs, delayMs) => {
      hints += jobs.length;
      // On their way long enough that several call the same files.
      send(process, jobs, delayMs + 500);
    };
    for (let i = 0; i < 40; i++) await lab.announce({ sizeBytes: 300 });
    await lab.pass(10 * 60_000);
    // Each of them looks by itself a few times in ten minutes, and is called by three at most.
    expect(hints).toBeLessThan(40 * 20);
  });

  test('is asked for what is due in a few reads, however many wait', async () => {
    const lab = createLab(BUSY);
    const files = await backlog(lab, 30);
    const before = lab.world.table.writes();
    await lab.pass(120_000);
    expect(await doneCount(lab, files)).toBeLessThan(30);
    expect(lab.world.table.writes() - before).toBeLessThan(250);
  });
});
