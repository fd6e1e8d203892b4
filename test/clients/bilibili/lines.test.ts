import { expect, it } from 'vitest';
import { fastestLine, isOfLine, namedLine } from '#clients/bilibili/lines.ts';
import { startFakeBilibili } from '../../fakes/bilibili/server.ts';
import type { Settings } from '../../fakes/bilibili/world.ts';

const never = new AbortController().signal;

it.each(['by get', 'by post'] as const)(
  'a line that answers %s is taken, and dead ones are passed over',
  async (probe) => {
    await using fake = await started({ probe });
    fake.kill('bda2');
    fake.kill('bldsa');
    const line = await fastestLine(fake.hosts, never);
    expect(line).toMatchObject({ name: 'txa', query: { upcdn: 'txa', probe_version: '20250923' } });
    expect(fake.leaks).toEqual([]);
    expect(fake.asked.every(({ hasCookies }) => !hasCookies)).toBe(true);
  },
);

it('without a line that answers Bilibili is left the choice', async () => {
  await using fake = await started();
  for (const line of ['bda2', 'txa', 'bldsa']) fake.kill(line);
  expect(await fastestLine(fake.hosts, never)).toBeNull();
});

it.each(['200-html', 'garbage', '403-empty', 'ok-zero-in-200', 'cut'] as const)(
  'a list of lines that is %s leaves Bilibili the choice',
  async (habit) => {
    await using fake = await started();
    fake.misbehave('probe', habit);
    expect(await fastestLine(fake.hosts, never)).toBeNull();
  },
);

it('an abort ends the search with its reason', async () => {
  await using fake = await started();
  fake.misbehave('line ok', 'stalled', 3);
  const abort = new AbortController();
  const found = fastestLine(fake.hosts, abort.signal);
  await fake.stalled();
  const reason = new Error('canceled');
  abort.abort(reason);
  await expect(found).rejects.toBe(reason);
});

it.each([
  ['bda2', { upcdn: 'bda2', zone: 'cs' }, '//upos-cs-upcdnbda2.bilivideo.com', '//upos-cs-upcdnbda.bilivideo.com'],
  ['cs_txa', { upcdn: 'txa', zone: 'cs' }, '//upos-cs-upcdntxa.bilivideo.com:443', '//upos-cs-upcdntx.bilivideo.com'],
  ['jd-bd', { upcdn: 'bd', zone: 'jd' }, '//upos-jd-upcdnbd.bilivideo.com', '//upos-jd-upcdnbda.bilivideo.com'],
])('the line %s is asked for by its name and zone, and known by its servers', (name, query, own, other) => {
  const line = namedLine(name);
  expect(line.query).toMatchObject(query);
  expect(isOfLine(own, line)).toBe(true);
  expect(isOfLine(other, line)).toBe(false);
});

async function started(settings: Partial<Settings> = {}) {
  const fake = await startFakeBilibili(settings);
  return { ...fake, [Symbol.asyncDispose]: () => fake.close() };
}
