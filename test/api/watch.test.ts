/** Metrics for Prometheus and alerts for people, over the API. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { alertBook } from '#core/watch/alert-book.ts';
import type { Family } from '#core/watch/prometheus.ts';
import { AlertList } from '#core/wire/alert.ts';
import { createApi } from '../../functions/api.ts';
import type { MetricsDoor } from '../../functions/routes/watch.ts';
import { type ApiRig, apiRig, OTHER_TOKEN, TOKEN } from './rig.ts';

let rig: ApiRig;
beforeEach(async () => {
  rig = await apiRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

function scraper(whom: MetricsDoor['for'], read: MetricsDoor['read']) {
  const api = createApi({
    engine: rig.engine,
    intake: rig.intake,
    authenticate: (token) => (token === TOKEN ? 'local' : null),
    issueTicket: () => ({ ticket: 'ticket', expiresAtMs: 0 }),
    metrics: { read, for: whom },
  });
  return (token?: string) =>
    api.request('/metrics', token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
}

const families: readonly Family[] = [{ name: 'things', help: 'Some.', type: 'gauge', samples: [{ value: 3 }] }];

it('metrics are told to the owner, and to anybody only where that is wanted', async () => {
  const closed = scraper('owner', async () => families);
  expect((await closed()).status).toBe(401);
  expect((await closed(OTHER_TOKEN)).status).toBe(401);
  const answer = await closed(TOKEN);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await answer.text()).toBe('# HELP entrepot_things Some.\n# TYPE entrepot_things gauge\nentrepot_things 3\n');
  expect((await scraper('anybody', async () => families)()).status).toBe(200);
});

it('however many ask for metrics, they are read once in two seconds, and again at once after a failure', async () => {
  let reads = 0;
  const scrape = scraper('anybody', async () => {
    reads += 1;
    if (reads === 1) throw new Error('the table is away');
    return families;
  });
  expect((await scrape()).status).toBe(500);
  await Promise.all([scrape(), scrape()]);
  expect(reads).toBe(2);
  rig.jump(2_000);
  await scrape();
  expect(reads).toBe(3);
});

it('alerts are listed for the owner as they were written down, by whichever process', async () => {
  const list = async () => AlertList.parse((await rig.call('GET', '/api/v1/alerts')).body).items;
  expect(await list()).toEqual([]);
  const values = { failed: 3, ended: 10, percent: 30 };
  const finding = { kind: 'failure_rate', subject: '', message: '3 of 10 failed', values } as const;
  await alertBook(rig.engine).settle([{ ...finding, state: 'bad' }]);
  expect(await list()).toMatchObject([{ ...finding, endedAt: null }]);
  await alertBook(rig.engine).settle([{ ...finding, state: 'good' }]);
  expect(await list()).toMatchObject([{ ...finding, endedAt: expect.any(String) }]);
  expect((await rig.call('GET', '/api/v1/alerts', undefined, { authorization: 'Bearer x' })).status).toBe(401);
});
