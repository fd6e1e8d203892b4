/** Logins under way, kept in cells so that each call may meet another process: begun, looked after, and turned into credentials. */
import { ulid } from 'ulid';
import * as z from 'zod';
import { Fault, toFault } from '#core/fault.ts';
import type { Cell, Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Destinations } from '#core/ports/destinations.ts';
import type { LoginKind } from '#core/ports/login.ts';
import type { SecretBox } from '#core/ports/secret-box.ts';
import { Placement } from '#core/wire/agent.ts';
import { Limits } from '#core/wire/limits.ts';
import { type BegunLogin, LoginState, type LoginView } from '#core/wire/login.ts';
import { isoTime } from '#core/wire/time.ts';

export interface LoginDesk {
  /**
   * Throws Fault `rejected` `login.not_offered`, `destination.invalid`, `login.other_provider` when the destination is of another
   * kind; Fault `throttled` `login.too_many` beyond 32 at once.
   */
  begin(
    ownerId: string,
    wanted: {
      readonly provider: string;
      readonly destinationId: string;
      readonly settings: Readonly<Record<string, unknown>>;
      /** Of a destination that is made now. Absent: here. */
      readonly placement?: Placement;
      /** Likewise. Absent: none. */
      readonly limits?: Limits;
    },
    signal: AbortSignal,
  ): Promise<BegunLogin>;
  /**
   * Asks the service for news until `hold` aborts, and puts the credentials of a confirmed login into its destination, which
   * `signal` bounds. Throws Fault `rejected` `login.unknown`; a Fault of the service leaves the login as it is.
   */
  look(
    ownerId: string,
    id: string,
    signals: { readonly hold: AbortSignal; readonly signal: AbortSignal },
  ): Promise<LoginView>;
}

export interface LoginParts {
  readonly cells: Cells;
  readonly box: SecretBox;
  readonly kinds: readonly LoginKind[];
  readonly destinations: Destinations;
  readonly clock: Clock;
}

const PK = 'LOGIN';
/** Each is a question to a service that counts them. */
const PENDING_MAX = 32;
/** An ended login is told to whoever still asks, and dropped after this time, when the next one begins. */
const KEPT_MS = 10 * 60_000;
/** Longer than a confirmation takes: one that was left in the middle is not confirmed any more, for its code is good once. */
const CLAIM_MS = 60_000;

const Pending = z.object({
  v: z.literal(1),
  ownerId: z.string(),
  provider: z.string(),
  destinationId: z.string(),
  settings: z.record(z.string(), z.unknown()),
  placement: Placement.default({ on: 'here' }),
  limits: Limits.default({}),
  sealed: z.unknown(),
  expiresAtMs: z.int(),
  state: LoginState,
  /** Somebody is turning it into credentials until then. */
  claimedUntilMs: z.int().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});
type Pending = z.infer<typeof Pending>;

interface Kept {
  readonly id: string;
  readonly v: number;
  readonly login: Pending;
}

export function loginDesk(parts: LoginParts): LoginDesk {
  const { cells, box, clock, destinations } = parts;
  return {
    begin: async (ownerId, wanted, signal) => {
      const { provider, destinationId, settings: given, placement = { on: 'here' }, limits = {} } = wanted;
      const kind = kindOf(parts, provider);
      const settings = await settingsFor(parts, kind, { destinationId, settings: given });
      await makeRoom(parts);
      const { qrText, expiresAtMs, secret } = await kind.begin(settings, { signal, clock });
      const id = `lgn_${ulid(clock.now(), () => clock.random())}`;
      const login: Pending = {
        v: 1,
        ownerId,
        provider,
        destinationId,
        settings: { ...given },
        placement,
        limits,
        sealed: box.seal(contextOf(id), secret),
        expiresAtMs,
        state: 'waiting',
        claimedUntilMs: null,
        error: null,
      };
      if (!(await cells.swap(keyOf(id), 0, login))) throw contended();
      const ttlSeconds = Math.max(0, Math.floor((expiresAtMs - clock.now()) / 1000));
      return { ...viewOf(id, login), qrText, ttlSeconds };
    },

    look: async (ownerId, id, { hold, signal }) => {
      const kept = await read(cells, ownerId, id);
      const { login } = kept;
      if (isEnd(login.state)) return viewOf(id, login);
      if (login.claimedUntilMs !== null) {
        if (clock.now() < login.claimedUntilMs) return viewOf(id, login);
        return turn(parts, kept, { state: 'expired', sealed: null, claimedUntilMs: null });
      }
      if (clock.now() >= login.expiresAtMs) return turn(parts, kept, { state: 'expired', sealed: null });
      const kind = kindOf(parts, login.provider);
      const settings = await settingsFor(parts, kind, login);
      const asked = { settings, secret: box.open(contextOf(id), login.sealed) };
      const news = await newsOf(kind, asked, { hold, clock });
      if (news === null || news === login.state) return viewOf(id, login);
      if (news === 'waiting' || news === 'scanned') return turn(parts, kept, { state: news });
      if (news !== 'confirmed') return turn(parts, kept, { state: news, sealed: null });
      const claim = { ...login, state: 'scanned', claimedUntilMs: clock.now() + CLAIM_MS } as const;
      if (!(await cells.swap(keyOf(id), kept.v, claim))) return viewOf(id, (await read(cells, ownerId, id)).login);
      const claimed = { id, v: kept.v + 1, login: claim };
      try {
        const credentials = await kind.redeem(asked, { signal, clock });
        await settle(destinations, claim, credentials);
      } catch (error) {
        return letGo(parts, claimed, toFault(error));
      }
      return turn(parts, claimed, { state: 'confirmed', sealed: null, claimedUntilMs: null });
    },
  };
}

/** The news, or null when nobody had any for as long as we would wait. */
async function newsOf(
  kind: LoginKind,
  asked: { readonly settings: unknown; readonly secret: unknown },
  { hold, clock }: { readonly hold: AbortSignal; readonly clock: Clock },
) {
  try {
    return await kind.look(asked, { signal: hold, clock });
  } catch (error) {
    if (hold.aborted) return null;
    throw error;
  }
}

/** Into the destination that stands, or into one that is made now. */
async function settle(destinations: Destinations, login: Pending, credentials: unknown): Promise<void> {
  const { destinationId: id, provider, settings, placement, limits } = login;
  const standing = await destinations.get(id);
  if (standing === null) {
    await destinations.create({ id, provider, settings, credentials, placement, limits });
    return;
  }
  mustBeOf(standing.provider, provider);
  const changed = Object.keys(settings).length === 0 ? {} : { settings: { ...standing.settings, ...settings } };
  await destinations.change(id, { ...changed, credentials });
}

/** What may have failed on the way may be tried again; a code that turns out to be spent is the end of this login. */
async function letGo(parts: LoginParts, kept: Kept, fault: Fault): Promise<LoginView> {
  if (fault.kind === 'transient' || fault.kind === 'throttled') {
    await turn(parts, kept, { claimedUntilMs: null });
    throw fault;
  }
  const error = { code: fault.code, message: fault.message };
  return turn(parts, kept, { state: 'refused', sealed: null, claimedUntilMs: null, error });
}

/** Another one's turn may have come first: then it is that one's that counts. */
async function turn({ cells }: LoginParts, { id, v, login }: Kept, change: Partial<Pending>): Promise<LoginView> {
  const next = { ...login, ...change };
  if (await cells.swap(keyOf(id), v, next)) return viewOf(id, next);
  return viewOf(id, (await read(cells, login.ownerId, id)).login);
}

async function settingsFor(
  { destinations }: LoginParts,
  kind: LoginKind,
  { destinationId, settings }: { readonly destinationId: string; readonly settings: Readonly<Record<string, unknown>> },
): Promise<unknown> {
  const standing = await destinations.get(destinationId);
  if (standing !== null) mustBeOf(standing.provider, kind.id);
  const parsed = kind.settings.safeParse({ ...standing?.settings, ...settings });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = ['settings', ...(issue?.path ?? [])].join('.');
  throw new Fault('rejected', 'destination.invalid', `${where}: ${issue?.message ?? 'not valid'}`);
}

function mustBeOf(standing: string, provider: string): void {
  if (standing === provider) return;
  throw new Fault('rejected', 'login.other_provider', `the destination of this name is of another kind, ${standing}`);
}

/** Drops what nobody asks for any more. Of two that begin at once both may find the last place free. */
async function makeRoom({ cells, clock }: LoginParts): Promise<void> {
  const found = await cells.list(PK, { limit: 2 * PENDING_MAX });
  const isOver = (cell: Cell) => {
    const login = Pending.safeParse(cell.value);
    return !login.success || clock.now() >= login.data.expiresAtMs + KEPT_MS;
  };
  const over = found.filter(isOver);
  for (const { sk, v } of over) await cells.drop(keyOf(sk), v);
  if (found.length - over.length < PENDING_MAX) return;
  throw new Fault('throttled', 'login.too_many', 'too many logins are under way: wait some minutes and try again');
}

async function read(cells: Cells, ownerId: string, id: string): Promise<Kept> {
  const cell = await cells.read(keyOf(id));
  const parsed = Pending.safeParse(cell?.value);
  if (cell !== null && parsed.success && parsed.data.ownerId === ownerId) return { id, v: cell.v, login: parsed.data };
  throw new Fault('rejected', 'login.unknown', 'there is no such login: begin another one');
}

function kindOf({ kinds }: LoginParts, provider: string): LoginKind {
  const kind = kinds.find(({ id }) => id === provider);
  if (kind !== undefined) return kind;
  throw new Fault('rejected', 'login.not_offered', `a destination of the kind "${provider}" has no login by a code`);
}

function viewOf(id: string, { provider, destinationId, state, expiresAtMs, error }: Pending): LoginView {
  return { id, provider, destinationId, state, expiresAt: isoTime(expiresAtMs), error };
}

function isEnd(state: LoginState): boolean {
  return state !== 'waiting' && state !== 'scanned';
}

/** Not a destination's: the secret of a login opens nothing else. */
function contextOf(id: string): string {
  return `login:${id}`;
}

function keyOf(id: string) {
  return { pk: PK, sk: id };
}

function contended(): Fault {
  return new Fault('transient', 'login.contended', 'the login could not be kept: begin another one');
}
