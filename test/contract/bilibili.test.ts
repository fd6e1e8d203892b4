/** The contract of the destination `bilibili`, over real sockets to a strict fake. */
import { bilibiliRig } from '../providers/bilibili/rig.ts';
import { pushProviderContract } from './provider-push.contract.ts';

const NO_EMPTY = 'Bilibili takes no empty file: it is refused before a byte moves, as test/providers/bilibili has it';
const NO_GIVING_UP = 'no call is known that gives an upload up: Bilibili drops it after some days';

pushProviderContract({
  name: 'bilibili',
  except: [
    { law: 'a file of no bytes arrives byte for byte', because: NO_EMPTY },
    { law: 'inspect of an empty file says partial before finish and complete after it', because: NO_EMPTY },
    { law: 'discard leaves nothing behind, and repeating it is fine', because: NO_GIVING_UP },
    { law: 'after discard inspect says gone, and put is Fault gone', because: NO_GIVING_UP },
  ],
  make: async () => {
    const subject = await bilibiliRig();
    return { subject, cleanup: async () => subject[Symbol.asyncDispose]() };
  },
});
