import { folderRig } from '../providers/folder/rig.ts';
import { pushProviderContract } from './provider-push.contract.ts';

for (const rule of ['rename', 'replace'] as const) {
  pushProviderContract({
    name: `folder, on conflict ${rule}`,
    make: async () => {
      const subject = await folderRig(rule);
      return { subject, cleanup: async () => subject[Symbol.asyncDispose]() };
    },
  });
}
