import { memoryAgents } from '#adapters/memory/agents.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { agentsContract } from './agents.contract.ts';

agentsContract({
  name: 'memory',
  make: () => {
    const agents = memoryAgents(virtualClock({ seed: 1, startMs: 1_800_000_000_000 }));
    const address = '203.0.113.7';
    return {
      subject: {
        agents,
        address,
        aheadBytesMax: 0,
        start: async (facts, kinds) => {
          const agent = agents.attach(facts, { address, kinds });
          const ended = new Promise<void>((resolve) => {
            agent.gone.addEventListener('abort', () => resolve(), { once: true });
          });
          return { ended, stop: async () => agent.stop() };
        },
      },
    };
  },
});
