import { memoryCells } from '#adapters/memory/cells.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { memoryDispatcher } from '#adapters/memory/dispatcher.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { memoryWorkTable } from '#adapters/memory/work-table.ts';
import type { Job } from '#core/wire/job.ts';
import { cellsContract } from './cells.contract.ts';
import { dispatcherContract } from './dispatcher.contract.ts';
import { progressContract } from './progress.contract.ts';
import { workTableContract } from './work-table.contract.ts';

workTableContract({ name: 'memory', make: () => ({ subject: memoryWorkTable() }) });

cellsContract({ name: 'memory', make: () => ({ subject: memoryCells() }) });

progressContract({ name: 'memory', make: () => ({ subject: memoryProgress() }) });

dispatcherContract({
  name: 'memory',
  make: () => {
    const clock = virtualClock({ seed: 1, startMs: 1_750_000_000_000 });
    const dispatcher = memoryDispatcher(clock);
    const taken: Job[] = [];
    let crashes = 0;
    const delivered = async (afterMs: number) => {
      await clock.advance(afterMs);
      for (let job = dispatcher.take('any'); job !== null; job = dispatcher.take('any')) {
        if (crashes > 0) {
          crashes--;
          dispatcher.redeliver(job);
        } else taken.push(job);
      }
      return taken;
    };
    return { subject: { dispatcher, delivered, crashNext: () => void crashes++ } };
  },
});
