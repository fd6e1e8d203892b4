/** The contract of the destination `bilibili`, over real sockets to a strict fake. */
import { BILIBILI_EXCEPT, bilibiliRig } from '../providers/bilibili/rig.ts';
import { pushProviderContract } from './provider-push.contract.ts';

pushProviderContract({
  name: 'bilibili',
  except: BILIBILI_EXCEPT,
  make: async () => {
    const subject = await bilibiliRig();
    return { subject, cleanup: async () => subject[Symbol.asyncDispose]() };
  },
});
