import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { httpProgressSink } from '#adapters/http-progress/sink.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import type { Clock } from '#core/ports/clock.ts';
import { progressIntake } from '../../relay/progress-intake.ts';
import { progressContract } from './progress.contract.ts';

progressContract({
  name: 'signed HTTP, from a function to the feed of a relay',
  make: async () => {
    const clock = hastyClock();
    const feed = memoryProgress();
    const server = createServer(getRequestListener(progressIntake({ secrets: ['secret'], clock, sink: feed })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const sink = httpProgressSink({ url: `http://127.0.0.1:${port}/internal/progress`, secret: 'secret', clock });
    return {
      subject: { publish: sink.publish, subscribe: feed.subscribe },
      cleanup: async () => {
        await sink.flush(AbortSignal.timeout(5000));
        await new Promise((resolve) => {
          server.close(resolve);
          server.closeAllConnections();
        });
      },
    };
  },
});

/** A second takes no time. */
function hastyClock(): Clock {
  let nowMs = 1_800_000_000_000;
  return {
    now: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
    random: () => 0.5,
  };
}
