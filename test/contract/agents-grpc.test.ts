import { type MeteredBucket, meteredBucket } from '../agent/metered-bucket.ts';
import { dial, startHome } from '../agent/rig.ts';
import { agentsContract } from './agents.contract.ts';
import type { AgentsRig } from './agents-rig.ts';

const MIB = 1024 * 1024;

agentsContract({
  name: 'gRPC over real sockets',
  // The window of 1 MiB, and a few pieces of 256 KiB on either side of it.
  make: () => made({ aheadBytesMax: 2 * MIB }),
});

agentsContract({
  name: 'gRPC over real sockets, bytes from a bucket',
  make: async () => {
    const bucket = await meteredBucket();
    // The buffers of both ends of a loopback socket grow to about 10 MiB.
    return made({ aheadBytesMax: 16 * MIB, bucket });
  },
});

async function made({ aheadBytesMax, bucket }: { readonly aheadBytesMax: number; readonly bucket?: MeteredBucket }) {
  const home = await startHome(bucket === undefined ? {} : { bytes: { way: 'auto', links: bucket.links } });
  const { agents } = home.server;
  const cuts: (() => Promise<void>)[] = [];
  const subject: AgentsRig = {
    agents,
    address: '127.0.0.1',
    aheadBytesMax,
    ...(bucket === undefined ? {} : { part: bucket.part }),
    start: async (facts, kinds) => {
      const { attachment, cut } = await dial(home, facts, kinds);
      cuts.push(cut);
      const isThere = () => agents.attached().find((agent) => agent.facts.id === facts.id);
      if (bucket !== undefined) await home.until(() => isThere()?.bytes?.way === 'bucket');
      return {
        ended: attachment.ended.then(() => undefined),
        stop: async () => {
          await cut();
          await home.until(() => isThere() === undefined);
        },
      };
    },
  };
  return {
    subject,
    cleanup: async () => {
      for (const cut of cuts) await cut();
      await home[Symbol.asyncDispose]();
      await bucket?.[Symbol.asyncDispose]();
    },
  };
}
