/** A folder that is reached through agents is held to the laws of one that is reached directly. */
import { systemClock } from '#adapters/system/clock.ts';
import { folderKind } from '#providers/folder/provider.ts';
import { fleetOn } from '../fleet/kit.ts';
import { folderRig } from '../providers/folder/rig.ts';
import { NO_STORE } from '../support/no-store.ts';
import { pushProviderContract } from './provider-push.contract.ts';

pushProviderContract({
  name: 'folder, placed on one of two agents',
  make: async () => {
    const fleet = fleetOn(systemClock());
    for (const id of ['a', 'b']) await fleet.attach(id, [folderKind], { filesMax: 64 });
    const rig = await folderRig('rename');
    const placed = (root: string) =>
      fleet.placed(
        folderKind,
        { strategy: 'round-robin' },
        { destinationId: 'nas', settings: { root, onConflict: 'rename' }, staging: NO_STORE },
      );
    return {
      subject: {
        ...rig,
        provider: () => placed(rig.root),
        failing: async () => {
          const { kind } = await rig.failing();
          return { provider: placed(`${rig.root}/a file`), kind };
        },
      },
      cleanup: async () => rig[Symbol.asyncDispose](),
    };
  },
});
