/** The laws of a serving destination, on the one in memory that the engine's tests use. */
import { Fault } from '#core/fault.ts';
import { type FarSide, farSide } from '../fakes/asking/far-side.ts';
import type { AskingHabit } from '../fakes/asking/session.ts';
import { serveProviderContract } from './provider-serve.contract.ts';
import type { AskingManner, ServeRig } from './serve-rig.ts';

serveProviderContract({ name: 'memory', make: () => ({ subject: memoryRig() }) });

const HABITS: Readonly<Partial<Record<AskingManner, AskingHabit>>> = {
  'out of order': 'out of order',
  twice: 'repeats',
  overlapping: 'overlaps',
  'past the end': 'past the end',
  'also of others': 'speaks of others',
  'before open answers': 'asks before open answers',
  'until settled': 'settles',
};

function memoryRig(): ServeRig {
  const far: FarSide = farSide({ readBytes: 40_000 });
  const habits = new Set<AskingHabit>();
  const sessionOf = (session: unknown) => far.sessions.find(({ id }) => JSON.stringify(session).includes(`"${id}"`));
  return {
    provider: far.provider,
    severalReadsBytes: 300_000,
    behave: (manner) => {
      const habit = HABITS[manner];
      if (habit !== undefined) habits.add(habit);
      far.behave({
        habits,
        ...(manner === 'for digests first' ? { digests: ['md5', 'sha1'], blockBytes: 70_000 } : {}),
      });
      return true;
    },
    settle: async () => far.settle(),
    readBack: async (item) =>
      far.files.find((file) => file.item.name === item.name && file.item.folder === item.folder)?.content ?? null,
    listFarSide: async () => [
      ...far.files.map(({ item }) => item.name),
      ...far.sessions.filter((one) => ['open', 'paused'].includes(one.state())).map(({ id }) => id),
    ],
    expireSession: async (session) => sessionOf(session)?.become('expired'),
    failing: async () => {
      const broken = farSide();
      const fault = new Fault('auth', 'asking.auth', 'log in again');
      broken.refuse(fault);
      const provider = broken.provider();
      return { provider: { ...provider, open: () => Promise.reject(fault) }, kind: 'auth' };
    },
  };
}
