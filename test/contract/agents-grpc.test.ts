import { dial, startHome } from '../agent/rig.ts';
import { agentsContract } from './agents.contract.ts';

const MIB = 1024 * 1024;

agentsContract({
  name: 'gRPC over real sockets',
  make: async () => {
    const home = await startHome();
    const { agents } = home.server;
    const cuts: (() => Promise<void>)[] = [];
    return {
      subject: {
        agents,
        address: '127.0.0.1',
        // The window of 1 MiB, and a few pieces of 256 KiB on either side of it.
        aheadBytesMax: 2 * MIB,
        start: async (facts, kinds) => {
          const { attachment, cut } = await dial(home, facts, kinds);
          cuts.push(cut);
          return {
            ended: attachment.ended.then(() => undefined),
            stop: async () => {
              await cut();
              await home.until(() => agents.attached().every((agent) => agent.facts.id !== facts.id));
            },
          };
        },
      },
      cleanup: async () => {
        for (const cut of cuts) await cut();
        await home[Symbol.asyncDispose]();
      },
    };
  },
});
