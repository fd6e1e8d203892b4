/** What the fake Bilibili knows: accounts and their sessions, reserved and stored objects, archives. */
import { createHash, randomBytes } from 'node:crypto';

export interface Settings {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /**
   * `tolerant` takes what others' clients are known to send: parts and their ranges need not add up, nor need the completion list
   * them. Login, csrf, `X-Upos-Auth` and the count of the parts hold in both.
   */
  readonly mode: 'strict' | 'tolerant';
  /** Names of the lines (`upcdn`), the first is the default. */
  readonly lines: readonly string[];
  /** Whether the lines are to be tried with GET. */
  readonly probe: 'by get' | 'by post';
  readonly chunkBytes: number;
  readonly threads: number;
  /** Of one account in any hour; the next is answered with 406 and code 601. */
  readonly preuploadsPerHour: number;
  /** How it answers a completion of what is merged. Real behaviour is not known. */
  readonly completedAgain: 'ok' | 'unknown upload';
  /** How long a new archive is missing from the list. An assumption. */
  readonly listLagMs: number;
  /** How long the view of an archive lags behind an edit. An assumption. */
  readonly viewLagMs: number;
  /** The largest `ps` that is heeded. */
  readonly pageMax: number;
  /** Content beyond it is hashed and not kept. */
  readonly keptBytesMax: number;
}

export interface Account {
  readonly mid: number;
  readonly name: string;
  /** When it was given objects, in the last hour. */
  readonly preuploadsAtMs: number[];
}

/** One login. The cookie `bili_jct` is `csrf`. */
export interface Session {
  readonly mid: number;
  /** As it must be sent: percent-encoded. */
  readonly sessdata: string;
  csrf: string;
  /** What `cookie/info` says. */
  refresh: boolean;
  /** Good for one renewal; empty: spent. */
  refreshToken: string;
  /** What the page of a renewal told, and when; null: it was not asked for, or it was used. */
  word: { readonly text: string; readonly atMs: number } | null;
  /** What this login has replaced, until it is confirmed. */
  replaced: { readonly session: Session; readonly refreshToken: string } | null;
}

/** An object that a pre-upload reserved. */
export interface Stored {
  readonly mid: number;
  /** `/bucket/object.ext` */
  readonly path: string;
  /** The object without directory and extension. */
  readonly filename: string;
  /** As the pre-upload had it. */
  readonly name: string;
  readonly profile: string;
  readonly sizeBytes: number;
  readonly bizId: number;
  readonly auth: string;
  readonly authAtMs: number;
  /** The merged parts, in order; null before. */
  parts: readonly Part[] | null;
}

export interface Multipart {
  readonly id: string;
  readonly stored: Stored;
  readonly line: string;
  readonly parts: Map<number, Part>;
  /** As the first part had them. */
  told: { readonly chunks: number; readonly total: number } | null;
  isMerged: boolean;
}

export interface Part {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly bytes: Buffer | null;
}

export interface Video {
  readonly filename: string;
  readonly cid: number;
  readonly title: string;
  readonly desc: string;
}

export interface Archive {
  readonly mid: number;
  readonly aid: number;
  readonly bvid: string;
  title: string;
  videos: readonly Video[];
  /** All of it, without the csrf. */
  submission: Readonly<Record<string, unknown>>;
  readonly madeAtMs: number;
  /** What `view` shows while it lags behind an edit. */
  before: { readonly videos: readonly Video[]; readonly untilMs: number } | null;
  /** -30 in review, 0 open, -2 returned, -4 locked, -16 not to be transcoded. */
  state: number;
}

export interface QrLogin {
  readonly begunAtMs: number;
  /** As Bilibili has it: 86101 not scanned, 86090 scanned, 0 confirmed, 86038 over. */
  code: 86101 | 86090 | 86038 | 0;
  mid: number;
}

export interface World {
  readonly settings: Settings;
  readonly accounts: Map<number, Account>;
  /** By `SESSDATA`; whoever is deleted is logged out. */
  readonly sessions: Map<string, Session>;
  /** By path. */
  readonly objects: Map<string, Stored>;
  /** By upload id. */
  readonly multiparts: Map<string, Multipart>;
  /** In the order of their making. */
  readonly archives: Archive[];
  readonly logins: Map<string, QrLogin>;
  keptBytes: number;
  madeCount: number;
}

export function newWorld(settings: Settings): World {
  return {
    settings,
    accounts: new Map(),
    sessions: new Map(),
    objects: new Map(),
    multiparts: new Map(),
    archives: [],
    logins: new Map(),
    keptBytes: 0,
    madeCount: 0,
  };
}

export function addAccount(world: World, name: string): Account {
  const account = { mid: 430_000_001 + world.accounts.size, name, preuploadsAtMs: [] };
  world.accounts.set(account.mid, account);
  return account;
}

/** Another login of the account; those before stay good. */
export function logIn(world: World, mid: number): Session {
  const endsAtSeconds = Math.floor(world.settings.now() / 1000) + SESSION_SECONDS;
  const sessdata = `${randomHex(4)}%2C${endsAtSeconds}%2C${randomHex(3).slice(1)}%2A11CjA-${randomHex(12)}`;
  const session: Session = {
    mid,
    sessdata,
    csrf: randomHex(16),
    refresh: false,
    refreshToken: randomHex(16),
    word: null,
    replaced: null,
  };
  world.sessions.set(sessdata, session);
  return session;
}

/** 180 days. */
export const SESSION_SECONDS = 15_552_000;

export function cookiesOf({ mid, sessdata, csrf }: Session): Readonly<Record<string, string>> {
  const md5 = createHash('md5').update(String(mid)).digest('hex').slice(0, 16);
  return {
    SESSDATA: sessdata,
    bili_jct: csrf,
    DedeUserID: String(mid),
    DedeUserID__ckMd5: md5,
    sid: `s${mid.toString(36)}`,
  };
}

/** The value of the header `Cookie`. */
export function cookieHeader(session: Session): string {
  return Object.entries(cookiesOf(session))
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
}

/** The merged object, as `videos[].filename` has it. */
export function mergedObject(world: World, filename: string): Stored | undefined {
  return [...world.objects.values()].find((stored) => stored.filename === filename && stored.parts !== null);
}

/** The bytes of a merged object; null when there is none, or when it was too large to keep. */
export function contentOf(world: World, filename: string): Buffer | null {
  const pieces = mergedObject(world, filename)?.parts?.map(({ bytes }) => bytes);
  if (pieces === undefined || pieces.includes(null)) return null;
  return Buffer.concat(pieces.filter((piece) => piece !== null));
}

export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
