/** The contract of the destination `pan115`, by both ways in, over real sockets to a strict fake with a bucket behind it. */
import { PAN115_EXCEPT, pan115Rig } from '../providers/pan115/rig.ts';
import { pushProviderContract } from './provider-push.contract.ts';

for (const way of ['open', 'cookie'] as const) {
  pushProviderContract({
    name: `pan115, ${way}`,
    except: PAN115_EXCEPT[way],
    make: async () => {
      const subject = await pan115Rig(way);
      return { subject, cleanup: async () => subject[Symbol.asyncDispose]() };
    },
  });
}
