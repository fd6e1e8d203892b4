import { meteredBucket } from '../agent/metered-bucket.ts';
import { dial } from '../agent/rig.ts';
import { switchboard } from '../relay/switchboard-rig.ts';
import { agentsContract } from './agents.contract.ts';

const MIB = 1024 * 1024;

agentsContract({
  name: 'function, relay, another relay, agent',
  make: async () => {
    const bucket = await meteredBucket();
    const board = await switchboard({ links: bucket.links });
    const { agents, relays, registry, clock } = board;
    const cuts: (() => Promise<void>)[] = [];
    let started = 0;
    return {
      subject: {
        agents,
        address: '127.0.0.1',
        aheadBytesMax: 16 * MIB,
        part: bucket.part,
        start: async (facts, kinds) => {
          // Functions post to the first: agents come to the second, and after it to the first.
          const relay = relays[++started % relays.length];
          if (relay === undefined) throw new Error('there is no relay');
          const { attachment, cut } = await dial({ port: relay.port, clock }, facts, kinds);
          cuts.push(cut);
          const isHere = async () => (await registry.lines.of(facts.id)) !== null;
          const isTold = async () => (await registry.lines.of(facts.id))?.agent.bytes?.way === 'bucket';
          await until(isTold);
          return {
            ended: attachment.ended.then(() => until(async () => !(await isHere()) || started > 1)),
            stop: async () => {
              await cut();
              await until(async () => !(await isHere()));
            },
          };
        },
      },
      cleanup: async () => {
        for (const cut of cuts) await cut();
        await board[Symbol.asyncDispose]();
        await bucket[Symbol.asyncDispose]();
      },
    };
  },
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}
