import { expect, it } from 'vitest';
import { temporaryCredentials } from './credentials.ts';

const HOUR_MS = 3_600_000;

function source() {
  let nowMs = 0;
  let fetched = 0;
  const credentials = temporaryCredentials(
    async () => {
      fetched += 1;
      return { accessKeyId: `STS.${fetched}`, accessKeySecret: 's', stsToken: 't', expiresAtMs: nowMs + HOUR_MS };
    },
    () => nowMs,
  );
  const passMs = (ms: number): void => {
    nowMs += ms;
  };
  return { credentials, fetched: () => fetched, passMs };
}

it('keeps keys until five minutes before their end', async () => {
  const { credentials, passMs } = source();
  expect(await credentials()).toMatchObject({ accessKeyId: 'STS.1' });
  passMs(HOUR_MS - 5 * 60_000 - 1);
  expect(await credentials()).toMatchObject({ accessKeyId: 'STS.1' });
  passMs(1);
  expect(await credentials()).toMatchObject({ accessKeyId: 'STS.2' });
});

it('fetches once, however many ask', async () => {
  const { credentials, fetched } = source();
  await Promise.all(Array.from({ length: 8 }, () => credentials()));
  expect(fetched()).toBe(1);
});

it('gives others than the ones that were refused, and the same to all who were refused with them', async () => {
  const { credentials, fetched } = source();
  const refused = await credentials();
  const newer = await Promise.all([credentials(refused), credentials(refused)]);
  expect(newer.map(({ accessKeyId }) => accessKeyId)).toEqual(['STS.2', 'STS.2']);
  expect(await credentials(refused)).toMatchObject({ accessKeyId: 'STS.2' });
  expect(fetched()).toBe(2);
});

it('asks again after a fetch that failed', async () => {
  let isDown = true;
  const keys = { accessKeyId: 'a', accessKeySecret: 's', stsToken: 't', expiresAtMs: HOUR_MS };
  const credentials = temporaryCredentials(
    () => (isDown ? Promise.reject(new Error('down')) : Promise.resolve(keys)),
    () => 0,
  );
  await expect(credentials()).rejects.toThrow('down');
  isDown = false;
  expect(await credentials()).toMatchObject({ accessKeyId: 'a' });
});
