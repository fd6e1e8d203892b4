/** What every registry of destinations must keep. */
import { expect } from 'vitest';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { transferIdFrom } from '#core/ids.ts';
import type { RemoteConnection } from '#core/ports/agents.ts';
import { type CredentialHandle, type ProviderKind, providerKind } from '#core/ports/connection.ts';
import type { Destinations, UnderWay } from '#core/ports/destinations.ts';
import {
  type Item,
  type Provider,
  type PushProvider,
  pushProvider,
  type Session,
  serveProvider,
} from '#core/ports/provider.ts';
import type { Placement } from '#core/wire/agent.ts';
import type { UploadId } from '#core/wire/ids.ts';
import { expectFault } from './expect-fault.ts';
import { type ContractRun, contract, type Laws } from './suite.ts';

export interface DestinationsRig {
  /** A new instance over the same store each time, as another process would have. Without `place` there are no agents. */
  destinations(kinds: readonly ProviderKind[], place?: PlaceForTests): Destinations;
  /** What is on its way to each of them from now on. */
  onItsWay(now: UnderWay): void;
}

type PlaceForTests = (local: PushProvider, connection: RemoteConnection, placement: OnAgents) => PushProvider;
type OnAgents = Extract<Placement, { on: 'agents' }>;

export function destinationsContract(run: ContractRun<DestinationsRig>): void {
  contract('destinations', laws, run);
}

type Token = z.infer<typeof Token>;
const Token = z.object({ access: z.string(), refresh: z.string() });
const Settings = z.strictObject({ region: z.string().min(1), partBytes: z.int().min(1).default(1024) });

const FIRST: Token = { access: 'access-1', refresh: 'refresh-1' };
const DRIVE = { id: 'drive', provider: 'drive', settings: { region: 'cn' }, credentials: FIRST };
const SHELF = { id: 'shelf', provider: 'shelf', settings: { region: 'cn' } };
const ON_AGENTS: OnAgents = {
  on: 'agents',
  tags: { region: 'cn' },
  strategy: 'longest-rested',
  spacingSeconds: 300,
  perHourMax: 12,
};

const laws: Laws<DestinationsRig> = {
  'a created destination is answered with its defaults, and read by every instance': async (rig) => {
    const created = await use(rig).create(DRIVE);
    expect(created).toEqual({
      id: 'drive',
      provider: 'drive',
      settings: { region: 'cn', partBytes: 1024 },
      hasCredentials: true,
      placement: { on: 'here' },
      limits: {},
      createdAt: expect.any(Number),
      version: expect.any(String),
    });
    expect(await use(rig).get('drive')).toEqual(created);
    expect(await use(rig).list()).toEqual([created]);
  },
  'what was never created is null, and not listed': async (rig) => {
    expect(await use(rig).get('drive')).toBeNull();
    expect(await use(rig).list()).toEqual([]);
  },
  'the list is complete and in order of ids': async (rig) => {
    const ids = Array.from({ length: 205 }, (_, n) => `shelf-${String(n).padStart(3, '0')}`);
    for (const id of ids.toReversed()) await use(rig).create({ ...SHELF, id });
    expect((await use(rig).list()).map(({ id }) => id)).toEqual(ids);
  },
  'credentials never come out': async (rig) => {
    const destinations = use(rig);
    const answers = [
      await destinations.create(DRIVE),
      await destinations.get('drive'),
      await destinations.list(),
      await destinations.change('drive', { credentials: { access: 'access-2', refresh: 'refresh-2' } }),
    ];
    expect(JSON.stringify(answers)).not.toMatch(/access-|refresh-/);
  },
  'create of an id that exists is destination.exists and changes nothing, credentials included': async (rig) => {
    const before = await use(rig).create(DRIVE);
    const again = use(rig).create({ ...DRIVE, settings: { region: 'eu' }, credentials: { access: 'x', refresh: 'x' } });
    await expectFault('rejected', 'destination.exists', again);
    expect(await use(rig).get('drive')).toEqual(before);
    expect(await (await handle(rig)).read()).toEqual(FIRST);
  },
  'of ten racing creates of one id exactly one wins, with its own credentials': async (rig) => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, n) =>
        use(rig).create({ ...DRIVE, settings: { region: `r${n}` }, credentials: { access: `a${n}`, refresh: 'r' } }),
      ),
    );
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await use(rig).get('drive')).toMatchObject({ settings: { region: `r${winner}` } });
    expect(await (await handle(rig)).read()).toEqual({ access: `a${winner}`, refresh: 'r' });
  },
  'settings that do not fit are destination.invalid, name the path, and nothing is written': async (rig) => {
    const settings = { region: 7, partBytes: 0, colour: 'red' };
    const fault = await expectFault('rejected', 'destination.invalid', use(rig).create({ ...DRIVE, settings }));
    expect(fault.message).toContain('settings.region: ');
    expect(fault.message).toContain('settings.partBytes: ');
    expect(fault.message).toContain('colour');
    expect(await use(rig).get('drive')).toBeNull();
  },
  'credentials that do not fit are destination.invalid, name the path and do not quote them': async (rig) => {
    const credentials = { access: ['very-secret'], refresh: 5 };
    const fault = await expectFault('rejected', 'destination.invalid', use(rig).create({ ...DRIVE, credentials }));
    expect(fault.message).toContain('credentials.access: ');
    expect(`${fault.message} ${JSON.stringify(fault.cause)}`).not.toContain('very-secret');
    expect(await use(rig).get('drive')).toBeNull();
  },
  'credentials for a provider that has none are destination.invalid': async (rig) => {
    await expectFault('rejected', 'destination.invalid', use(rig).create({ ...SHELF, credentials: FIRST }));
  },
  'an id of other letters is destination.invalid': async (rig) => {
    for (const id of ['', 'A', 'a/b', '-a', 'ä', 'x'.repeat(65)]) {
      await expectFault('rejected', 'destination.invalid', use(rig).create({ ...SHELF, id }));
    }
  },
  'an unknown provider is destination.provider_unknown, and the known ones are named': async (rig) => {
    const create = use(rig).create({ ...SHELF, provider: 'floppy' });
    const fault = await expectFault('rejected', 'destination.provider_unknown', create);
    expect(fault.message).toContain('drive, shelf, asker');
  },
  'change replaces the settings as a whole and keeps the credentials': async (rig) => {
    await use(rig).create({ ...DRIVE, settings: { region: 'cn', partBytes: 7 } });
    const changed = await use(rig).change('drive', { settings: { region: 'eu' } });
    expect(changed).toMatchObject({ settings: { region: 'eu', partBytes: 1024 }, hasCredentials: true });
    expect(await use(rig).get('drive')).toEqual(changed);
    expect(await (await handle(rig)).read()).toEqual(FIRST);
  },
  'change replaces the credentials and keeps the settings': async (rig) => {
    const { credentials, ...bare } = DRIVE;
    expect(await use(rig).create(bare)).toMatchObject({ hasCredentials: false });
    expect(await use(rig).change('drive', { credentials })).toMatchObject({
      settings: { region: 'cn' },
      hasCredentials: true,
    });
    expect(await (await handle(rig)).read()).toEqual(FIRST);
  },
  'a change that does not fit is destination.invalid and changes nothing': async (rig) => {
    const before = await use(rig).create(DRIVE);
    const credentials = { access: 'access-2', refresh: 'refresh-2' };
    const change = use(rig).change('drive', { settings: { region: '' }, credentials });
    await expectFault('rejected', 'destination.invalid', change);
    expect(await use(rig).get('drive')).toEqual(before);
    expect(await (await handle(rig)).read()).toEqual(FIRST);
  },
  'changes of different fields at once are both kept': async (rig) => {
    await use(rig).create(DRIVE);
    const credentials = { access: 'access-2', refresh: 'refresh-2' };
    await Promise.all([
      use(rig).change('drive', { settings: { region: 'eu' } }),
      use(rig).change('drive', { credentials }),
    ]);
    expect(await use(rig).get('drive')).toMatchObject({ settings: { region: 'eu' } });
    expect(await (await handle(rig)).read()).toEqual(credentials);
  },
  'change and provider of an unknown id are destination.unknown': async (rig) => {
    await expectFault('rejected', 'destination.unknown', use(rig).change('drive', { settings: {} }));
    await expectFault('rejected', 'destination.unknown', use(rig).provider('drive'));
  },
  'remove answers whether there was one, and takes the credentials with it': async (rig) => {
    const { credentials: _, ...bare } = DRIVE;
    await use(rig).create(DRIVE);
    expect(await use(rig).remove('drive')).toBe(true);
    expect(await use(rig).remove('drive')).toBe(false);
    expect(await use(rig).get('drive')).toBeNull();
    expect(await use(rig).create(bare)).toMatchObject({ hasCredentials: false });
    await expectFault('auth', 'credentials.missing', (await handle(rig)).read());
  },
  'the driver gets the settings with their defaults, and stays the same until something is changed': async (rig) => {
    const seen = testKinds();
    const destinations = rig.destinations(seen.kinds);
    await destinations.create(DRIVE);
    const first = await destinations.provider('drive');
    expect(await destinations.provider('drive')).toBe(first);
    expect(seen.connected).toEqual([{ destinationId: 'drive', settings: { region: 'cn', partBytes: 1024 } }]);
    await use(rig).change('drive', { settings: { region: 'eu' } });
    expect(await destinations.provider('drive')).not.toBe(first);
    expect(seen.connected.at(-1)).toMatchObject({ settings: { region: 'eu' } });
  },
  'the device id is 32 hex digits, the same in every process and after a change': async (rig) => {
    const [one, other] = [testKinds(), testKinds()];
    await rig.destinations(one.kinds).create(DRIVE);
    await rig.destinations(one.kinds).provider('drive');
    await rig.destinations(one.kinds).change('drive', { settings: { region: 'eu' } });
    await rig.destinations(other.kinds).provider('drive');
    const [id] = one.deviceIds;
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(other.deviceIds).toEqual([id]);
  },
  'a placement on agents is stored as a whole, kept by other changes, and taken back': async (rig) => {
    const destinations = () => rig.destinations(testKinds().kinds, placing().place);
    expect(await destinations().create({ ...DRIVE, placement: ON_AGENTS })).toMatchObject({ placement: ON_AGENTS });
    await destinations().change('drive', { settings: { region: 'eu' } });
    await destinations().change('drive', { credentials: { access: 'access-2', refresh: 'refresh-2' } });
    expect(await destinations().get('drive')).toMatchObject({ placement: ON_AGENTS, settings: { region: 'eu' } });
    const other = { ...ON_AGENTS, tags: {}, strategy: 'round-robin' } as const;
    expect(await destinations().change('drive', { placement: other })).toMatchObject({ placement: other });
    await destinations().change('drive', { placement: { on: 'here' } });
    expect((await use(rig).list()).map(({ placement }) => placement)).toEqual([{ on: 'here' }]);
  },
  'placed on agents, the driver is what was made of the one here, with all that one has': async (rig) => {
    const kinds = testKinds();
    const { placed, place } = placing();
    const destinations = rig.destinations(kinds.kinds, place);
    await destinations.create({ ...DRIVE, placement: ON_AGENTS });
    const driver = await destinations.provider('drive');
    const last = placed.at(-1);
    await expect(driver.check({ signal: AbortSignal.timeout(60_000) })).rejects.toThrow('made for an agent');
    expect(last?.local.id).toBe('drive');
    expect(last?.placement).toEqual(ON_AGENTS);
    expect(last?.connection).toMatchObject({
      provider: 'drive',
      destinationId: 'drive',
      deviceId: kinds.deviceIds.at(-1),
      settings: { region: 'cn', partBytes: 1024 },
    });
    expect(await last?.connection.credentials.read()).toEqual(FIRST);
    expect(await last?.connection.shared('pace').swap(0, { at: 1 })).toBe(true);
  },
  'the driver is another as soon as the placement is, in every instance': async (rig) => {
    const destinations = rig.destinations(testKinds().kinds, placing().place);
    await destinations.create(SHELF);
    const here = await destinations.provider('shelf');
    await rig.destinations(testKinds().kinds, placing().place).change('shelf', { placement: ON_AGENTS });
    const there = await destinations.provider('shelf');
    expect(there).not.toBe(here);
    expect(await destinations.provider('shelf')).toBe(there);
  },
  'without agents nothing can be placed on them: destination.no_agents, and nothing is written': async (rig) => {
    await expectFault('rejected', 'destination.no_agents', use(rig).create({ ...DRIVE, placement: ON_AGENTS }));
    expect(await use(rig).get('drive')).toBeNull();
    const before = await use(rig).create(DRIVE);
    const change = { placement: ON_AGENTS, credentials: { access: 'x', refresh: 'x' } };
    await expectFault('rejected', 'destination.no_agents', use(rig).change('drive', change));
    expect(await use(rig).get('drive')).toEqual(before);
    expect(await (await handle(rig)).read()).toEqual(FIRST);
  },
  'what asks for bytes itself cannot be placed on agents: destination.no_agents': async (rig) => {
    const destinations = rig.destinations(testKinds().kinds, placing().place);
    const asker = { ...SHELF, id: 'asker', provider: 'asker' };
    await expectFault('rejected', 'destination.no_agents', destinations.create({ ...asker, placement: ON_AGENTS }));
    await destinations.create(asker);
    const change = destinations.change('asker', { placement: ON_AGENTS });
    const { message } = await expectFault('rejected', 'destination.no_agents', change);
    expect(message).toContain('asker');
    expect(await destinations.get('asker')).toMatchObject({ placement: { on: 'here' } });
  },
  'one that stands on agents is never driven from a home that has none': async (rig) => {
    await rig.destinations(testKinds().kinds, placing().place).create({ ...SHELF, placement: ON_AGENTS });
    await expectFault('rejected', 'destination.no_agents', use(rig).provider('shelf'));
  },
  'limits are kept, replaced as a whole, and held by the driver from then on; credentials and settings stay': async (
    rig,
  ) => {
    const destinations = use(rig);
    const far = new Date(Date.now() + 12 * 3_600_000).toISOString().slice(11, 13);
    const hours = { zone: 'UTC', windows: [{ from: `${far}:00`, to: `${far}:59` }] };
    const made = await destinations.create({ ...DRIVE, limits: { bytesPerSecond: 1_000_000, hours } });
    expect(made.limits).toEqual({ bytesPerSecond: 1_000_000, hours });
    await expectFault('throttled', 'destination.outside_hours', (await drive(rig)).open(ITEM, CTX));
    const changed = await destinations.change('drive', { limits: {} });
    expect(changed).toMatchObject({ limits: {}, settings: made.settings, hasCredentials: true });
    expect(await (await drive(rig)).open(ITEM, CTX)).toMatchObject({ kind: 'ready' });
  },
  'what asks for bytes itself keeps no limits: destination.no_limits, and nothing is written': async (rig) => {
    const destinations = use(rig);
    const asker = { ...SHELF, id: 'asker', provider: 'asker' };
    const limits = { bytesPerSecond: 1_000_000 };
    await expectFault('rejected', 'destination.no_limits', destinations.create({ ...asker, limits }));
    expect(await destinations.get('asker')).toBeNull();
    await destinations.create(asker);
    await expectFault('rejected', 'destination.no_limits', destinations.change('asker', { limits }));
    expect(await destinations.get('asker')).toMatchObject({ limits: {} });
  },
  'the version is another after each change and in each life of an id, and what is asked of an older one changes nothing':
    async (rig) => {
      const first = await use(rig).create(DRIVE);
      expect((await use(rig).get('drive'))?.version).toBe(first.version);
      const second = await use(rig).change('drive', { credentials: { access: 'a', refresh: 'r' } });
      const third = await use(rig).change(
        'drive',
        { settings: { region: 'eu' } },
        { ifVersion: ['x', second.version] },
      );
      const stale = { ifVersion: [first.version, second.version] };
      const change = { settings: { region: 'us' }, credentials: { access: 'x', refresh: 'x' } };
      await expectFault('rejected', 'destination.changed', use(rig).change('drive', change, stale));
      await expectFault('rejected', 'destination.changed', use(rig).remove('drive', stale));
      expect(await use(rig).get('drive')).toEqual(third);
      expect(await (await handle(rig)).read()).toEqual({ access: 'a', refresh: 'r' });
      expect(await use(rig).remove('drive', { ifVersion: [third.version] })).toBe(true);
      const anew = await use(rig).create(DRIVE);
      expect(new Set([first, second, third, anew].map(({ version }) => version)).size).toBe(4);
    },
  'of two changes of one version exactly one wins': async (rig) => {
    const { version } = await use(rig).create(SHELF);
    const changes = ['a', 'b', 'c'].map((region) =>
      use(rig).change('shelf', { settings: { region } }, { ifVersion: [version] }),
    );
    const outcomes = await Promise.allSettled(changes);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  },
  'while files are under way what names the place stays, and the destination; all else may change': async (rig) => {
    await use(rig).create(DRIVE);
    rig.onItsWay({ unfinished: 3, begun: 0 });
    const moved = use(rig).change('drive', { settings: { region: 'eu' }, credentials: { access: 'x', refresh: 'x' } });
    expect((await expectFault('rejected', 'destination.busy', moved)).message).toContain('3 files');
    await expectFault('rejected', 'destination.busy', use(rig).remove('drive'));
    expect(await (await handle(rig)).read()).toEqual(FIRST);
    const credentials = { access: 'access-2', refresh: 'refresh-2' };
    await use(rig).change('drive', { settings: { region: 'cn', partBytes: 7 }, credentials });
    expect(await (await handle(rig)).read()).toEqual(credentials);
    await use(rig).change('drive', { settings: { region: 'eu' } }, { site: 'same' });
    rig.onItsWay({ unfinished: 0, begun: 0 });
    await use(rig).change('drive', { settings: { region: 'us' } });
    expect(await use(rig).remove('drive')).toBe(true);
  },
  'while files are under way credentials of another account are refused, those of nobody known are not': async (
    rig,
  ) => {
    const login = (access: string) => ({ credentials: { access, refresh: 'r' } });
    await use(rig).create({ ...DRIVE, ...login('ann/1') });
    rig.onItsWay({ unfinished: 1, begun: 1 });
    await use(rig).change('drive', login('ann/2'));
    await expectFault('rejected', 'destination.busy', use(rig).change('drive', login('bob/1')));
    await use(rig).change('drive', login('access-3'));
    await expectFault('rejected', 'destination.busy', use(rig).change('drive', login('bob/1')));
    rig.onItsWay({ unfinished: 0, begun: 0 });
    await use(rig).change('drive', login('bob/1'));
  },
  'where calls are run stays while something has begun there, not while it only waits': async (rig) => {
    const destinations = rig.destinations(testKinds().kinds, placing().place);
    await destinations.create(DRIVE);
    rig.onItsWay({ unfinished: 2, begun: 1 });
    const change = { placement: ON_AGENTS };
    await expectFault('rejected', 'destination.busy', destinations.change('drive', change));
    rig.onItsWay({ unfinished: 2, begun: 0 });
    expect(await destinations.change('drive', change)).toMatchObject(change);
    rig.onItsWay({ unfinished: 2, begun: 2 });
    await destinations.change('drive', { placement: { ...ON_AGENTS, perHourMax: 1 } });
  },
  'a session is finished where it was opened, or is gone': async (rig) => {
    await use(rig).create({ ...DRIVE, credentials: { access: 'ann/1', refresh: 'r' } });
    const opened = await opening(rig);
    await use(rig).change('drive', { settings: { region: 'cn', partBytes: 7 } });
    await use(rig).change('drive', { settings: { region: 'moved' } }, { site: 'same' });
    await use(rig).change('drive', { credentials: { access: 'ann/2', refresh: 'r' } });
    const other = await opening(rig);
    expect(await finishes(rig, opened)).toBe(true);
    await use(rig).change('drive', { settings: { region: 'eu' } });
    expect([await finishes(rig, opened), await finishes(rig, other)]).toEqual([false, false]);
    const anew = await opening(rig);
    expect(await finishes(rig, anew)).toBe(true);
    await use(rig).change('drive', { credentials: { access: 'bob/1', refresh: 'r' } });
    expect(await finishes(rig, anew)).toBe(false);
    expect(await finishes(rig, { kind: 'before sessions were marked' })).toBe(true);
  },
  'a destination that was removed and created anew gets a new driver': async (rig) => {
    const destinations = use(rig);
    await destinations.create(SHELF);
    const first = await destinations.provider('shelf');
    await use(rig).remove('shelf');
    await use(rig).create(SHELF);
    expect(await destinations.provider('shelf')).not.toBe(first);
  },
  'a file that its provider cannot take is refused by it without a connection, another one by nobody': async (rig) => {
    const seen = testKinds();
    const destinations = rig.destinations(seen.kinds);
    const [drive, shelf] = [await destinations.create(DRIVE), await destinations.create(SHELF)];
    const file = { name: 'eu.bin', folder: '/', sizeBytes: null };
    expect(destinations.refusal(drive, { ...file, name: 'cn.bin' })).toBeNull();
    expect(destinations.refusal(drive, file)).toMatchObject({ kind: 'rejected', code: 'drive.region' });
    expect(destinations.refusal(shelf, file)).toBeNull();
    expect(destinations.refusal({ ...drive, provider: 'unheard-of' }, file)).toBeNull();
    expect(destinations.refusal({ ...drive, settings: { region: 7 } }, file)).toBeNull();
    expect(seen.connected).toEqual([]);
  },
  'rotate gives the driver what is current, stores what it answers, and every instance reads that': async (rig) => {
    await use(rig).create(DRIVE);
    const given: Token[] = [];
    const next = { access: 'access-2', refresh: 'refresh-2' };
    const answer = await (await handle(rig)).rotate(async (current) => {
      given.push(current);
      return next;
    });
    expect(given).toEqual([FIRST]);
    expect(answer).toEqual(next);
    expect(await (await handle(rig)).read()).toEqual(next);
  },
  'rotations of one process at once are one, and all get its answer': async (rig) => {
    const seen = testKinds();
    const destinations = rig.destinations(seen.kinds);
    await destinations.create(DRIVE);
    await destinations.provider('drive');
    await destinations.change('drive', { settings: { region: 'eu' } });
    await destinations.provider('drive');
    let calls = 0;
    const replace = async ({ refresh }: Token) => ({ access: `access-${++calls + 1}`, refresh: `after ${refresh}` });
    const answers = await Promise.all([...seen.handles, ...seen.handles].map((one) => one.rotate(replace)));
    expect(calls).toBe(1);
    for (const answer of answers) expect(answer).toEqual({ access: 'access-2', refresh: 'after refresh-1' });
  },
  'of two processes that refresh at once both end with what one of them stored': async (rig) => {
    await use(rig).create(DRIVE);
    const [one, two] = [await handle(rig), await handle(rig)];
    const bothRead = Promise.withResolvers<void>();
    let readers = 0;
    const replaceBy = (name: string) => async (): Promise<Token> => {
      readers += 1;
      if (readers === 2) bothRead.resolve();
      await bothRead.promise;
      return { access: name, refresh: name };
    };
    const answers = await Promise.all([one.rotate(replaceBy('one')), two.rotate(replaceBy('two'))]);
    const stored = await (await handle(rig)).read();
    expect(answers).toEqual([stored, stored]);
  },
  'a rotation that answers what it was given writes nothing': async (rig) => {
    await use(rig).create(DRIVE);
    const other = await handle(rig);
    await (await handle(rig)).rotate(async (current) => {
      // Were the first to write, the second would be stale.
      await other.rotate(async () => ({ access: 'access-2', refresh: 'refresh-2' }));
      return current;
    });
    expect(await other.read()).toEqual({ access: 'access-2', refresh: 'refresh-2' });
  },
  'a rotation that fails stores nothing, and the next one is tried': async (rig) => {
    await use(rig).create(DRIVE);
    const credentials = await handle(rig);
    const refused = new Fault('auth', 'drive.refused', 'the refresh token was refused');
    await expectFault(
      'auth',
      'drive.refused',
      credentials.rotate(() => Promise.reject(refused)),
    );
    expect(await credentials.read()).toEqual(FIRST);
    const next = { access: 'access-2', refresh: 'refresh-2' };
    expect(await credentials.rotate(async () => next)).toEqual(next);
  },
};

function use(rig: DestinationsRig): Destinations {
  return rig.destinations(testKinds().kinds);
}

const ITEM: Item = {
  transferId: transferIdFrom('upl_01J00000000000000000000000' as UploadId, 0),
  ...{ name: 'a', folder: '/', sizeBytes: 1, digests: {}, answers: {} },
};
const CTX = { signal: new AbortController().signal };

async function drive(rig: DestinationsRig): Promise<PushProvider> {
  const driver = await use(rig).provider('drive');
  if (driver.mode !== 'push') throw new Error('drive is sent parts');
  return driver;
}

/** The session of a file that is opened now, as it lies in the table. */
async function opening(rig: DestinationsRig): Promise<Session> {
  const opened = await (await drive(rig)).open(ITEM, CTX);
  if (opened.kind !== 'ready') throw new Error('drive opens what it is given');
  return structuredClone(opened.session);
}

/** Every call of the session reaches the driver, without what is not its own; or it is gone for each of them. */
async function finishes(rig: DestinationsRig, session: Session): Promise<boolean> {
  const driver = await drive(rig);
  const part = { number: 1, range: { start: 0, end: 1 }, sizeBytes: 1, spans: [], open: unused };
  const calls = [
    () => driver.put(session, ITEM, part, CTX),
    () => driver.inspect(session, ITEM, { from: 1, to: 1 }, CTX),
    () => driver.finish(session, ITEM, [], CTX),
  ];
  const outcomes = await Promise.allSettled(calls.map((call) => call()));
  await driver.discard(session, ITEM, CTX);
  expect(driver.plan(session, 1, 1).partBytes).toBe(1);
  const isDone = outcomes.every(({ status }) => status === 'fulfilled');
  const gone = { status: 'rejected', reason: { kind: 'gone', code: 'destination.moved' } };
  if (!isDone) expect(outcomes).toMatchObject([gone, gone, gone]);
  return isDone;
}

/** The credentials of `drive`, as the driver of a new process has them. */
async function handle(rig: DestinationsRig): Promise<CredentialHandle<Token>> {
  const { kinds, handles } = testKinds();
  await rig.destinations(kinds).provider('drive');
  const [first] = handles;
  if (first === undefined) throw new Error('no driver was connected');
  return first;
}

/** Kinds that remember what they were connected with: `drive` has credentials, `shelf` has none, `asker` asks for bytes itself. */
function testKinds() {
  const connected: { readonly destinationId: string; readonly settings: unknown }[] = [];
  const handles: CredentialHandle<Token>[] = [];
  const deviceIds: string[] = [];
  const drive = providerKind<z.infer<typeof Settings>, Token>({
    id: 'drive',
    settings: Settings,
    credentials: Token,
    siteSettings: ['region'],
    // `access-…` is nobody's; `ann/…` is Ann's.
    account: ({ access }) => (access.includes('/') ? (access.split('/')[0] ?? null) : null),
    connect: ({ destinationId, deviceId, settings, credentials }) => {
      deviceIds.push(deviceId);
      connected.push({ destinationId, settings });
      handles.push(credentials);
      return opener('drive');
    },
    refusal: ({ region }, { name }) =>
      name.startsWith(region) ? null : new Fault('rejected', 'drive.region', 'this file belongs to another region'),
  });
  const shelf = providerKind<z.infer<typeof Settings>, never>({
    id: 'shelf',
    settings: Settings,
    credentials: null,
    siteSettings: ['region'],
    connect: () => idle('shelf'),
  });
  const asker = providerKind<z.infer<typeof Settings>, never>({
    id: 'asker',
    settings: Settings,
    credentials: null,
    siteSettings: ['region'],
    connect: () => asking('asker'),
  });
  return { kinds: [drive, shelf, asker], connected, handles, deviceIds };
}

/** What a home with agents makes of its drivers, and what it was given for it. */
function placing() {
  const placed: {
    readonly local: PushProvider;
    readonly connection: RemoteConnection;
    readonly placement: OnAgents;
    readonly made: PushProvider;
  }[] = [];
  const place: PlaceForTests = (local, connection, placement) => {
    const made = { ...local, check: () => Promise.reject(new Error('made for an agent')) };
    placed.push({ local, connection, placement, made });
    return made;
  };
  return { placed, place };
}

const unused = () => Promise.reject(new Error('these laws move no bytes'));

const still: Omit<PushProvider<Session>, 'mode' | 'id'> = {
  needs: [],
  instant: 'never',
  open: unused,
  plan: () => ({ partBytes: 1, inFlightMax: 1, order: 'any' }),
  put: unused,
  finish: unused,
  inspect: unused,
  discard: unused,
  check: unused,
};

function idle(id: string): Provider {
  return pushProvider(z.json(), { id, ...still });
}

/** Its sessions are strict: whoever adds to them must take that away again. */
function opener(id: string): Provider {
  const session = z.strictObject({ kind: z.string() });
  return pushProvider(session, {
    id,
    ...still,
    open: async () => ({ kind: 'ready', session: { kind: 'open' } }),
    put: async (_session, _item, { number }) => ({ number, tag: '' }),
    inspect: async () => ({ kind: 'partial', held: [] }),
    finish: async () => ({ evidence: 'C', sizeBytes: 1, location: 'drive:/a' }),
    discard: async () => undefined,
  });
}

function asking(id: string): Provider {
  return serveProvider(z.object({}), {
    id,
    needs: [],
    instant: 'never',
    remoteId: () => 'none',
    asks: () => {
      throw new Error('these laws move no bytes');
    },
    open: unused,
    attach: unused,
    detach: () => undefined,
    answer: unused,
    hold: unused,
    inspect: unused,
    discard: unused,
    check: unused,
  });
}
