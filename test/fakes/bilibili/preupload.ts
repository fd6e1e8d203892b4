/** The list of lines, and the reservation of an object. */
import { randomInt } from 'node:crypto';
import type { Exchange, Reply } from './exchange.ts';
import { tooFast } from './habits.ts';
import { sessionOf } from './passport.ts';
import { Refusal, refusePreupload } from './refusal.ts';
import { type Account, randomHex, type Stored, type World } from './world.ts';

const HOUR_MS = 3_600_000;
const BUCKET = 'ugcfx2lf';

/** A cid of 2024; the next ones are larger. */
const FIRST_BIZ_ID = 500_001_630_152_509;

/** Needs no login. The keys of `query` have no fixed order. */
export function probe({ world: { settings }, endpointOf }: Exchange): Reply {
  const lines = settings.lines.map((line, i) => ({
    os: 'upos',
    query: i % 2 === 0 ? `upcdn=${line}&probe_version=20250923&zone=cs` : `probe_version=20250923&upcdn=${line}`,
    probe_url: `${endpointOf(line)}/OK`,
  }));
  return { json: { OK: 1, lines, probe: settings.probe === 'by get' ? { get: 1 } : {} } };
}

export function preupload(exchange: Exchange): Reply {
  const { world, query, habit, endpointOf } = exchange;
  const account = world.accounts.get(sessionOf(exchange)?.mid ?? 0) ?? refusePreupload(-101);
  const [name, profile, size] = [query.get('name') ?? '', query.get('profile') ?? '', query.get('size') ?? ''];
  if (query.get('r') !== 'upos' || name === '' || profile === '' || !/^\d{1,15}$/.test(size)) refusePreupload(-400);
  count(world, account);
  const asked = world.settings.lines.find((line) => line === query.get('upcdn')) ?? world.settings.lines[0] ?? '';
  const others = world.settings.lines.filter((line) => line !== asked);
  const lines = habit === 'other-endpoint' ? [...others, asked] : [asked, ...others];
  const endpoints = lines.map(endpointOf);
  const endpoint = endpoints[0] ?? '';
  const stored = reserve(world, account, { name, profile, sizeBytes: Number(size), endpoint });
  return {
    json: {
      OK: 1,
      auth: stored.auth,
      biz_id: stored.bizId,
      chunk_retry: 10,
      chunk_retry_delay: 3,
      chunk_size: world.settings.chunkBytes,
      endpoint,
      endpoints,
      expose_params: null,
      put_query: `os=upos&profile=${encodeURIComponent(profile)}`,
      threads: world.settings.threads,
      timeout: 1200,
      uip: '127.0.0.1',
      upos_uri: `upos:/${stored.path}`,
    },
  };
}

/** Refused ones do not count: an assumption. */
function count({ settings }: World, { preuploadsAtMs }: Account): void {
  const now = settings.now();
  while (preuploadsAtMs[0] !== undefined && now - preuploadsAtMs[0] >= HOUR_MS) preuploadsAtMs.shift();
  if (preuploadsAtMs.length >= settings.preuploadsPerHour) throw new Refusal(tooFast());
  preuploadsAtMs.push(now);
}

function reserve(
  world: World,
  { mid }: Account,
  named: Pick<Stored, 'name' | 'profile' | 'sizeBytes'> & { readonly endpoint: string },
): Stored {
  const { endpoint, ...kept } = named;
  const authAtMs = world.settings.now();
  const day = new Date(authAtMs).toISOString().slice(2, 10).replaceAll('-', '');
  const filename = `n${day}ad${BigInt(`0x${randomHex(16)}`)
    .toString(36)
    .padStart(25, '0')
    .slice(-22)}`;
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(kept.name)?.[0] ?? '';
  const auth = [
    'ak=1494471752',
    `cdn=${encodeURIComponent(endpoint)}`,
    'os=upos',
    `sign=${randomHex(16)}`,
    `timestamp=${(authAtMs / 1000).toFixed(3)}`,
    `uid=${mid}`,
    `uip=127.0.0.1&uport=${randomInt(1024, 65536)}&use_dqp=0`,
  ].join('&');
  world.madeCount += 1;
  const bizId = FIRST_BIZ_ID + world.madeCount * 1009;
  const path = `/${BUCKET}/${filename}${extension}`;
  const stored: Stored = { ...kept, mid, path, filename, bizId, auth, authAtMs, parts: null };
  world.objects.set(path, stored);
  return stored;
}
