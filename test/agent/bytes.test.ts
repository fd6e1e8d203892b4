/** Bytes straight from the bucket: what is pinned, what is asked for again, and who finds out when the bucket cannot be had. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { Fault } from '#core/fault.ts';
import type { RangeGet } from '#core/ports/staging.ts';
import type { AgentBytes } from '#core/wire/agent.ts';
import type { ToAgent__Output } from '#proto/generated/agent/ToAgent.ts';
import { bucketDoor } from '../../agent/bucket-door.ts';
import type { HomeLine } from '../../agent/home-line.ts';
import type { BytesPolicy } from '../../relay/agents/ways.ts';
import { contentOf, factsOf, ID, meteredPart, putCall, readAll, scripted } from '../contract/agents-rig.ts';
import { expectFault } from '../contract/expect-fault.ts';
import { type MeteredBucket, meteredBucket, refuse } from './metered-bucket.ts';
import { type DialOptions, dial, type Home, startHome } from './rig.ts';

const PART_BYTES = 1_500_001;
const ctx = { signal: new AbortController().signal };
const reading = scripted(() => ({
  put: async (_session, _item, part) => {
    const bytes = await readAll(await part.open());
    expect(Buffer.compare(bytes, contentOf(0, part.sizeBytes))).toBe(0);
    return { number: part.number, tag: String(bytes.byteLength) };
  },
}));

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface World {
  readonly home: Home;
  readonly bucket: MeteredBucket;
  /** Each way that the home said its agent's bytes go from then on. */
  readonly told: AgentBytes[];
  /** What the agent noted of the bucket. */
  readonly noted: (string | null)[];
  way(): AgentBytes | undefined;
}

/** An agent that has been asked whether it reaches the bucket, and has said so, or why not. */
async function world(
  { way = 'auto', misbehave = null }: Partial<Pick<BytesPolicy, 'way'> & Pick<MeteredBucket, 'misbehave'>> = {},
  options: DialOptions = {},
): Promise<World> {
  const bucket = await meteredBucket();
  cleanups.push(async () => bucket[Symbol.asyncDispose]());
  bucket.misbehave = misbehave;
  const told: AgentBytes[] = [];
  const noted: (string | null)[] = [];
  const home = await startHome({ bytes: { way, links: bucket.links }, onBytes: (_id, bytes) => told.push(bytes) });
  cleanups.push(async () => home[Symbol.asyncDispose]());
  const agent = await dial(home, factsOf('sz-1'), [reading], { ...options, onBucket: (code) => noted.push(code) });
  cleanups.push(agent.cut);
  return { home, bucket, told, noted, way: () => home.server.agents.attached()[0]?.bytes };
}

function cutting(_get: RangeGet, response: ServerResponse): boolean {
  response.destroy();
  return true;
}

function stranger(_get: RangeGet, response: ServerResponse): boolean {
  refuse(response, 403, 'SignatureDoesNotMatch');
  return true;
}

const put = ({ home }: World, part: ReturnType<typeof meteredPart>['part']) =>
  home.server.agents.call(ID, putCall(part), ctx);
const whole = { number: 3, tag: String(PART_BYTES) };

it('a part of many objects is read object by object, each at a URL of its own which is asked for when its turn comes', async () => {
  const one = await world();
  await one.home.until(() => one.told.length === 1);
  const { part } = one.bucket.part(PART_BYTES, null, 7);
  const flowed: number[] = [];
  expect(await put(one, { ...part, flowed: (bytes) => flowed.push(bytes) })).toEqual(whole);
  expect(one.bucket.asked.slice(1).map(({ key, version }) => [key, version])).toEqual(
    part.spans.map(({ key, version }) => [key, version]),
  );
  expect(flowed.reduce((sum, bytes) => sum + bytes)).toBe(PART_BYTES);
  expect(one.told).toEqual([{ way: 'bucket', code: null }]);
});

it('a reading that breaks at any byte goes on at that byte, and what was had is not asked for again', async () => {
  const one = await world();
  await one.home.until(() => one.told.length === 1);
  // Twice broken without a MiB in between is the most that is borne.
  const cuts = [1, 65_536, 1_200_000, 1_499_999];
  one.bucket.misbehave = ({ range }, response) => {
    const at = range.start - 500;
    const cut = cuts.find((byte) => byte > at);
    if (cut === undefined || cut > 100_000 !== at > 100_000) return false;
    cuts.splice(cuts.indexOf(cut), 1);
    response.writeHead(206, {
      'content-range': `bytes ${range.start}-${range.end - 1}/${range.end}`,
      'content-length': range.end - range.start,
    });
    response.write(contentOf(at, cut), () => response.destroy());
    return true;
  };
  const { part } = one.bucket.part(PART_BYTES);
  expect(await put(one, part)).toEqual(whole);
  expect(
    one.bucket.asked
      .slice(1)
      .map(({ range }) => range.start - 500)
      .slice(0, 3),
  ).toEqual([0, 1, 65_536]);
  expect(one.way()).toEqual({ way: 'bucket', code: null });
});

it('a URL that is refused is asked for anew, and a store that asks for less is asked again', async () => {
  const one = await world();
  await one.home.until(() => one.told.length === 1);
  for (const [status, code] of [
    [403, 'AccessDenied'],
    [503, 'SlowDown'],
    [500, 'InternalError'],
  ] as const) {
    const asked = one.bucket.asked.length;
    one.bucket.misbehave = (_get, response) => {
      one.bucket.misbehave = null;
      refuse(response, status, code);
      return true;
    };
    expect(await put(one, one.bucket.part(PART_BYTES).part)).toEqual(whole);
    expect(one.bucket.asked.length - asked).toBe(2);
  }
});

it('other content at the key is the Fault that the home would have met, whatever the driver makes of it', async () => {
  const wrapping = scripted(() => ({
    put: async (_session, _item, part) => {
      await readAll(await part.open()).catch(() => undefined);
      throw new Fault('transient', 'pan.line', 'the request broke off');
    },
  }));
  const one = await world();
  await one.home.until(() => one.told.length === 1);
  const other = await dial(one.home, factsOf('sz-2'), [wrapping]);
  cleanups.push(other.cut);
  const [, id] = one.home.server.agents.attached().map(({ facts }) => facts.id);
  await one.home.until(() => one.told.length === 2);
  const changed = new Fault('gone', 'staging.changed', 'the object is another one');
  const { part } = one.bucket.part(PART_BYTES, { at: 0, error: changed });
  await expectFault('gone', 'staging.changed', one.home.server.agents.call(id ?? ID, putCall(part), ctx));
  expect(one.told).toHaveLength(2);
});

const ODD: readonly (readonly [string, string, (get: RangeGet, response: ServerResponse) => void])[] = [
  ['a redirect', 'agent.bucket_strange', (_get, response) => response.writeHead(307, { location: '/' }).end()],
  ['a page of somebody else', 'agent.bucket_strange', (_get, response) => response.end('<html>log in</html>')],
  ['no range said', 'agent.bucket_strange', (_get, response) => response.writeHead(206).end(contentOf(0, PART_BYTES))],
  [
    'more bytes than were said',
    'agent.bucket_strange',
    ({ range }, response) =>
      response
        .writeHead(206, { 'content-range': `bytes ${range.start}-${range.end - 1}/${range.end}` })
        .end(contentOf(0, PART_BYTES + 1)),
  ],
  ['a connection that is cut', 'agent.bucket_unreached', (_get, response) => response.destroy()],
];

it.each(ODD)(
  '%s in place of a part: the home and its people are told, and nothing wrong is delivered',
  async (_what, code, odd) => {
    const one = await world();
    await one.home.until(() => one.told.length === 1);
    one.bucket.misbehave = (get, response) => {
      odd(get, response);
      return true;
    };
    const { part } = one.bucket.part(PART_BYTES);
    const { part: overLine } = meteredPart(PART_BYTES);
    const outcome = await put(one, { ...part, open: overLine.open }).catch((error: unknown) => error);
    // Where bytes had flowed already the driver's stream breaks, and the engine sends the part again.
    if (outcome instanceof Fault) expect(outcome).toMatchObject({ kind: 'transient', code });
    else expect(outcome).toEqual(whole);
    await one.home.until(() => one.told.length === 2);
    expect(one.told[1]).toEqual({ way: 'line', code });
    expect(one.noted).toEqual([null, code]);
    expect(await put(one, { ...part, open: overLine.open })).toEqual(whole);
    expect(JSON.stringify([one.told, one.noted, String(outcome), Object(outcome).cause])).not.toMatch(
      /secret-|127\.0\.0\.1/,
    );
  },
);

it('where bytes are in the bucket alone they are had there, and over the line none', async () => {
  const one = await world({ way: 'bucket' });
  await one.home.until(() => one.told.length === 1);
  expect(await put(one, one.bucket.part(PART_BYTES).part)).toEqual(whole);
  const other = await dial(one.home, factsOf('sz-1'), [reading], { wrap: onLine('hears probes') });
  cleanups.push(other.cut);
  await one.home.until(() => one.told.length === 2);
  await expectFault('rejected', 'agent.no_line_bytes', put(one, one.bucket.part(PART_BYTES).part));
});

it('an agent that does not reach the bucket is given all over its line, with the reason beside it', async () => {
  const one = await world({ misbehave: cutting });
  await one.home.until(() => one.told.length === 1);
  expect(one.way()).toEqual({ way: 'line', code: 'agent.bucket_unreached' });
  expect(await put(one, meteredPart(PART_BYTES).part)).toEqual(whole);
});

it('a store that does not know the signature is not the bucket', async () => {
  const one = await world({ misbehave: stranger });
  await one.home.until(() => one.told.length === 1);
  expect(one.way()).toEqual({ way: 'line', code: 'agent.bucket_strange' });
});

it('where bytes are in the bucket alone, an agent that does not reach it is told so before its driver begins', async () => {
  const one = await world({ way: 'bucket', misbehave: cutting });
  await one.home.until(() => one.told.length === 1);
  await expectFault('transient', 'agent.no_bucket', put(one, one.bucket.part(PART_BYTES).part));
});

it('an agent that knows of no bucket goes on over its line, and where there are none it gets none', async () => {
  const auto = await world({}, { wrap: onLine('of before') });
  expect(await put(auto, meteredPart(PART_BYTES).part)).toEqual(whole);
  expect(auto.told).toEqual([]);
  const strict = await world({ way: 'bucket' }, { wrap: onLine('of before') });
  const fault = await expectFault('transient', 'agent.no_bucket', put(strict, strict.bucket.part(PART_BYTES).part));
  expect(fault.message).toContain('it has not said whether it does');
});

it('bytes never travel in clear text to another machine, unless the line may', async () => {
  const door = bucketDoor('tls');
  const link = { url: 'http://bucket.example/secret-1', headers: {}, sizeBytes: 1 };
  const fault = await expectFault('transient', 'agent.bucket_plain', door.read(link, ctx.signal));
  expect(fault.message).not.toContain('secret-1');
  door.close();
});

it('an abort while the bucket says nothing ends the reading with its reason', async () => {
  const server = createServer(() => asked.resolve());
  const asked = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const door = bucketDoor('plain');
  const abort = new AbortController();
  const { port } = server.address() as AddressInfo;
  const link = { url: `http://127.0.0.1:${port}/`, headers: {}, sizeBytes: 1 };
  const refused = expect(door.read(link, abort.signal)).rejects.toThrow('the call is over');
  await asked.promise;
  abort.abort(new Error('the call is over'));
  await refused;
  door.close();
  server.closeAllConnections();
  server.close();
});

/** An agent that takes its line whatever it is told. `of before`: what it does not know it does not hear. */
function onLine(how: 'of before' | 'hears probes'): (line: HomeLine) => HomeLine {
  return (line) => ({
    ...line,
    attach: (token) => {
      const stream = line.attach(token);
      const push = stream.push.bind(stream);
      stream.push = (message: ToAgent__Output | null) => {
        if (message?.call) message.call.way = 'LINE';
        return how === 'of before' && message?.probe ? true : push(message);
      };
      return stream;
    },
  });
}
