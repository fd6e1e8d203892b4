/**
 * The process dies at every request that changes something, before the store has heard of it or after; another one, which has
 * nothing but what was committed, carries on as the engine would.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fault } from '#core/fault.ts';
import type { PartReceipt, PushProvider, Session } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { bytesOf, ctx, itemOf, type Opened, partOf, sha256 } from '../../contract/push-rig.ts';
import { type BadStore, badStore, type Call, NONE, type Operation } from './habits.ts';
import { type OwnBucket, ownBucket } from './own-bucket.ts';
import { type S3Rig, s3Rig } from './rig.ts';

const EFFECTS: readonly Operation[] = ['create', 'part', 'copy', 'complete', 'abort', 'put', 'delete'];
const LIVES_MAX = 4;

let store: OwnBucket;
let between: BadStore;
beforeAll(async () => {
  store = await ownBucket();
  between = await badStore(store.endpoint);
});
afterAll(async () => {
  await between[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});

/** What is on disk. */
interface Committed {
  session: Session | null;
  readonly receipts: Map<number, PartReceipt>;
  isFinishing: boolean;
  receipt: Receipt | null;
  sessions: number;
}

interface Death {
  readonly effect: number;
  readonly side: 'before' | 'after';
}

describe.each(['replace', 'rename'] as const)('s3: a process that dies at any request, on conflict %s', (rule) => {
  it.each([
    ['an empty file', 0],
    ['a file of two parts', 5 * 1024 ** 2 + 5],
  ])('%s arrives once and whole', async (_, sizeBytes) => {
    const content = bytesOf(sizeBytes, 3);
    const effects = await run(rule, content, null);
    expect(effects.length).toBeGreaterThan(3);
    for (let effect = 1; effect <= effects.length; effect++) {
      for (const side of ['before', 'after'] as const) await run(rule, content, { effect, side });
    }
  });
});

/** Answers what the first life did. */
async function run(
  onConflict: string,
  content: Uint8Array<ArrayBuffer>,
  death: Death | null,
): Promise<readonly Call[]> {
  using rig = s3Rig(store, { endpoint: between.url, settings: { onConflict } });
  const item = await itemOf(rig.provider(), content);
  const committed: Committed = { session: null, receipts: new Map(), isFinishing: false, receipt: null, sessions: 0 };
  const effects: Call[] = [];
  let isDead = false;
  between.habit = (call) => {
    if (isDead) return { kind: 'lose', side: 'before' };
    if (!EFFECTS.includes(call.operation)) return null;
    effects.push(call);
    isDead = effects.length === death?.effect;
    return isDead && death !== null ? { kind: 'lose', side: death.side } : null;
  };
  await live(rig, item, content, committed).catch(expectDeath);
  expect(committed.receipt === null).toBe(isDead);
  between.habit = NONE;
  const told = `died ${death?.side} effect ${death?.effect}: ${effects.at(-1)?.operation}`;
  for (let lives = 0; committed.receipt === null; lives++) {
    if (lives === LIVES_MAX) throw new Error(`it never ends, ${told}`);
    await live(rig, item, content, committed).catch((error: unknown) => reopen(error, committed));
  }
  const found = (await rig.readReceipt(item, committed.receipt)) ?? new Uint8Array();
  expect(sha256(found), told).toBe(sha256(content));
  expect(committed.receipt, told).toMatchObject({ evidence: 'A', sizeBytes: content.byteLength });
  expect(committed.sessions, told).toBe(1);
  const left = await rig.listFarSide();
  expect(
    left.filter((entry) => !entry.startsWith('unfinished')),
    told,
  ).toEqual([rig.keyOf(item)]);
  // An opening whose answer was lost leaves its upload behind, and so does a try that nobody ended.
  expect(left.length, told).toBeLessThanOrEqual(2);
  return effects;
}

async function live(
  rig: S3Rig,
  item: Opened['item'],
  content: Uint8Array<ArrayBuffer>,
  committed: Committed,
): Promise<void> {
  const provider = rig.provider();
  const isResumed = committed.session !== null;
  const session = committed.session ?? (await opened(provider, item));
  if (!isResumed) {
    committed.session = session;
    committed.sessions += 1;
  }
  const plan = provider.plan(session, item.sizeBytes, rig.partBytes);
  const partCount = Math.ceil(item.sizeBytes / plan.partBytes);
  if (isResumed) {
    const holding = await provider.inspect(session, item, { from: 1, to: Math.max(1, partCount) }, ctx);
    if (holding.kind === 'complete') {
      expect(committed.isFinishing).toBe(true);
      committed.receipt = holding.receipt;
      return;
    }
    if (holding.kind !== 'partial') throw new Fault('gone', 'session.gone', 'the session is gone');
    for (const { number, tag } of holding.held) committed.receipts.set(number, { number, tag });
  }
  for (let number = 1; number <= partCount; number++) {
    if (committed.receipts.has(number)) continue;
    const part = partOf({ provider, item, content, session, plan, partCount }, number);
    committed.receipts.set(number, await provider.put(session, item, part, ctx));
  }
  committed.isFinishing = true;
  const receipts = [...committed.receipts.values()].sort((a, b) => a.number - b.number);
  committed.receipt = await provider.finish(session, item, receipts, ctx);
}

async function opened(provider: PushProvider, item: Opened['item']): Promise<Session> {
  const opening = await provider.open(item, ctx);
  if (opening.kind !== 'ready') throw new Error('a bucket asks nothing and has nothing');
  return opening.session;
}

function expectDeath(error: unknown): void {
  if (!(error instanceof Fault && error.code === 's3.unavailable')) throw error;
}

/** As the engine does it: the session is dead, everything is sent again. */
function reopen(error: unknown, committed: Committed): void {
  if (!(error instanceof Fault && error.kind === 'gone')) throw error;
  committed.session = null;
  committed.receipts.clear();
  committed.isFinishing = false;
}
