/** The contract of the destination `pan115`, by both ways in, over real sockets to a strict fake with a bucket behind it. */
import { pan115Rig } from '../providers/pan115/rig.ts';
import { pushProviderContract } from './provider-push.contract.ts';

const OLDER = {
  law: 'inspect does not take an older file of the same name and size for ours',
  because: 'a small file goes as a form, which is a file at once and does not expire; test/providers/pan115 has it',
};

for (const way of ['open', 'cookie'] as const) {
  pushProviderContract({
    name: `pan115, ${way}`,
    except: [
      {
        law: 'a name with quotes arrives unchanged',
        because: '115 refuses the sign, so its full-width twin is sent; test/providers/pan115 has it',
      },
      ...(way === 'cookie' ? [OLDER] : []),
    ],
    make: async () => {
      const subject = await pan115Rig(way);
      return { subject, cleanup: async () => subject[Symbol.asyncDispose]() };
    },
  });
}
