/** When an agent is asked whether it reaches the bucket, and what is made of its answers. */
import { expect, it } from 'vitest';
import { faultText } from '#clients/agents/fault-text.ts';
import { strange, unreached } from '#clients/agents/links.ts';
import type { AgentBytes } from '#core/wire/agent.ts';
import type { Probe } from '#proto/generated/agent/Probe.ts';
import { agentWays, type BytesPolicy } from './ways.ts';

function waysOf(way: BytesPolicy['way'] = 'auto') {
  const probes: Probe[] = [];
  const changes: AgentBytes[] = [];
  let signed = 0;
  const presignRange = async () => ({ url: `https://bucket.example/${++signed}`, headers: {}, expiresAtMs: 0 });
  const policy = { way, links: { presignRange } };
  const ways = agentWays({
    policy,
    say: (probe) => probes.push(probe),
    onChange: (bytes) => changes.push(bytes),
  });
  const beat = async (times = 1) => {
    const before = probes.length;
    for (let beats = 0; beats < times; beats++) {
      ways.beat();
      // To sign takes a turn or two.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return probes.length - before;
  };
  const answer = (fault: string) => ways.probed({ probe_id: probes.at(-1)?.probe_id ?? 0, fault });
  return { ways, probes, changes, beat, answer };
}

const UNREACHED = faultText(unreached('ECONNREFUSED'));

it('it is asked with its first heartbeat, and then every five minutes', async () => {
  const { beat, answer, changes } = waysOf();
  expect(await beat()).toBe(1);
  answer('');
  expect(await beat(9)).toBe(0);
  expect(await beat()).toBe(1);
  answer('');
  expect(changes).toEqual([{ way: 'bucket', code: null }]);
});

it('when parts cannot be had although probes can, it is asked later each time, until a probe is confirmed', async () => {
  const { ways, beat, answer, changes } = waysOf();
  await beat();
  answer('');
  // Five parts were under way.
  for (let parts = 0; parts < 5; parts++) ways.probed({ probe_id: 0, fault: faultText(strange('status 200')) });
  expect(changes.at(-1)).toEqual({ way: 'line', code: 'agent.bucket_strange' });
  expect(changes).toHaveLength(2);
  expect(await beat(19)).toBe(0);
  expect(await beat()).toBe(1);
  answer('');
  expect(await beat(20)).toBe(1);
  answer('');
  expect(await beat(10)).toBe(1);
});

it('an answer to an older question is not heard', async () => {
  const { ways, beat, answer, changes } = waysOf();
  await beat();
  await beat(11);
  ways.probed({ probe_id: 1, fault: UNREACHED });
  expect(changes).toEqual([]);
  answer('');
  expect(changes).toEqual([{ way: 'bucket', code: null }]);
});

it('without another way it is asked with each heartbeat until it reaches the bucket', async () => {
  const { beat, answer } = waysOf('bucket');
  await beat();
  for (let times = 0; times < 3; times++) {
    answer(UNREACHED);
    expect(await beat()).toBe(1);
  }
  answer('');
  expect(await beat()).toBe(0);
});
