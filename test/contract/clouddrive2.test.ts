/** The contract of the destination `clouddrive2`, by each of its ways, over real sockets to a strict fake. */
import { cloudDrive2Rig, type WayName } from '../providers/clouddrive2/rig.ts';
import { serveProviderContract } from './provider-serve.contract.ts';
import type { Exception } from './suite.ts';

const ASKS_BY_ITSELF: readonly Exception[] = [
  'asks out of order are answered as they come',
  'asks that come twice do no harm',
  'ranges that overlap do no harm',
  'ranges that lie past the end are answered with what there is',
  'asks for ids that nobody attached are passed by',
  'asks may come before open has answered',
  'digests are computed by the hasher that the ask brings',
].map((law) => ({ law, because: 'this way asks by itself, in order, and for bytes alone' }));

const EXCEPT: Readonly<Record<WayName, readonly Exception[]>> = {
  remote: [],
  mount: ASKS_BY_ITSELF,
  webdav: [
    ...ASKS_BY_ITSELF,
    {
      law: 'inspect of a session that the destination has forgotten says gone, and its answers are Fault gone',
      because: 'before its end a put is nothing that a server could forget',
    },
  ],
};

for (const way of ['remote', 'mount', 'webdav'] as const) {
  serveProviderContract({
    name: `clouddrive2, ${way}`,
    except: EXCEPT[way],
    make: async () => {
      const subject = await cloudDrive2Rig([way]);
      return { subject, cleanup: async () => subject[Symbol.asyncDispose]() };
    },
  });
}
