/** What the fake 115 knows: one account, its drive, the contents of everybody, and what is under way. */
import { createHash, randomBytes } from 'node:crypto';
import { refuse } from './exchange.ts';
import { pickCodeOf } from './pick-code.ts';

export interface Node {
  readonly id: string;
  readonly parentId: string;
  name: string;
  readonly kind: 'file' | 'folder';
  readonly sizeBytes: number;
  /** Upper-case hex. */
  readonly sha1: string;
  readonly pickCode: string;
  readonly madeAtMs: number;
  /** Until then no listing has it. */
  readonly shownAtMs: number;
}

/** An upload that has been announced and not instant. */
export interface Pending {
  readonly pickCode: string;
  readonly object: string;
  readonly folderId: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha1: string;
  node: Node | null;
}

export interface Challenge {
  readonly sha1: string;
  readonly folderId: string;
  readonly first: number;
  readonly last: number;
}

export interface StsKey {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly stsToken: string;
  readonly expiresAtMs: number;
}

export interface Settings {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly accessSeconds: number;
  /** A renewal sooner after the last is refused. */
  readonly renewalMs: number;
  readonly stsSeconds: number;
  /** A known file of this size is asked about. */
  readonly challengeFromBytes: number;
  /** How long a new file is missing from listings. */
  readonly lagMs: number;
  readonly requestsPerSecond: number;
  readonly integers: 'as numbers' | 'as strings';
  readonly callbackShape: 'object' | 'list';
  readonly expirationName: 'Expiration' | 'expiration';
  readonly missing: 'refused' | 'empty list';
  /** What a wrong answer to a range is called; `stays 7` hides it behind a new question. */
  readonly wrongSignature: 'is 8' | 'is 6' | 'stays 7';
  readonly poll: 'at once' | 'held';
  /** Ranges to ask for before chance decides. */
  readonly ranges: readonly string[];
  readonly clientIds: readonly string[];
  /** The address of the fake OSS. */
  readonly ossEndpoint: string;
  /** Hears of each temporary key, so that the fake OSS can take it. */
  readonly grant: (key: StsKey) => void;
  /** The bytes that lie in the bucket, to be known from then on. */
  readonly contentOf: (object: string) => Buffer | undefined;
}

export interface Account {
  readonly userId: string;
  readonly userKey: string;
  readonly cookie: Readonly<Record<string, string>>;
}

/** Bytes that 115 has from somebody; a large file need not be in memory. */
export interface Content {
  readonly length: number;
  subarray(start: number, end: number): Uint8Array;
}

export interface World {
  readonly settings: Settings;
  readonly account: Account;
  readonly nodes: Map<string, Node>;
  /** By SHA-1. */
  readonly contents: Map<string, Content>;
  readonly pending: Map<string, Pending>;
  readonly challenges: Map<string, Challenge>;
  /** Access tokens and when they end. */
  readonly access: Map<string, number>;
  readonly refresh: Map<string, 'good' | 'used'>;
  readonly logins: Map<string, Login>;
  /** Times of the latest requests that count. */
  readonly requests: number[];
  readonly ranges: string[];
  madeCount: number;
  lastRenewalMs: number;
  blockedUntilMs: number;
}

export interface Login {
  readonly clientId: string;
  readonly challenge: string;
  readonly method: 'sha256' | 'sha1' | 'md5';
  readonly time: string;
  readonly sign: string;
  readonly begunAtMs: number;
  /** As 115 has it: 0 waiting, 1 scanned, 2 confirmed, -2 canceled. */
  status: number;
  changed: PromiseWithResolvers<void>;
}

export const ROOT_ID = '0';

export function newWorld(settings: Settings): World {
  return {
    settings,
    account: {
      userId: '100000001',
      userKey: '0123456789abcdef0123456789abcdef01234567',
      cookie: { UID: '100000001_A1_1700000000', CID: 'c'.repeat(32), SEID: 'e'.repeat(96) },
    },
    nodes: new Map(),
    contents: new Map(),
    pending: new Map(),
    challenges: new Map(),
    access: new Map(),
    refresh: new Map(),
    logins: new Map(),
    requests: [],
    ranges: [...settings.ranges],
    madeCount: 0,
    lastRenewalMs: Number.NEGATIVE_INFINITY,
    blockedUntilMs: 0,
  };
}

export function addNode(
  world: World,
  made: Pick<Node, 'parentId' | 'name' | 'kind'> & { readonly sizeBytes?: number; readonly sha1?: string },
): Node {
  const id = 3_490_000_000_000_000_000n + BigInt(world.madeCount++) * 1_000_003n;
  const now = world.settings.now();
  const node: Node = {
    id: String(id),
    parentId: made.parentId,
    name: made.name,
    kind: made.kind,
    sizeBytes: made.sizeBytes ?? 0,
    sha1: made.sha1 ?? '',
    pickCode: pickCodeOf(id, made.kind === 'file' ? 'b' : 'fc'),
    madeAtMs: now,
    shownAtMs: now + (made.kind === 'file' ? world.settings.lagMs : 0),
  };
  world.nodes.set(node.id, node);
  return node;
}

export function know(world: World, bytes: Buffer): string {
  const sha1 = sha1Of(bytes);
  world.contents.set(sha1, bytes);
  return sha1;
}

/** Upper-case hex, as 115 has it. */
export function sha1Of(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex').toUpperCase();
}

export function shown(world: World): Node[] {
  return [...world.nodes.values()].filter((node) => node.shownAtMs <= world.settings.now());
}

/** The folder of `U_1_<id>`. Another first number is another drive: not ours. */
export function folderOf(world: World, target: string | null): string {
  const [, id] = /^U_1_(\d+)$/.exec(target ?? '') ?? refuse(40100000, '参数错误: target');
  if (id === undefined || (id !== ROOT_ID && world.nodes.get(id)?.kind !== 'folder')) refuse(20009, '目标目录不存在');
  return id;
}

export function checkName(name: string): string {
  if (name === '') refuse(20001, '目录名称不能为空');
  if (Buffer.byteLength(name) > 255) refuse(20002, '名称过长');
  if (/["<>]/.test(name)) refuse(20003, '名称不能包含 " < >');
  return name;
}

export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
