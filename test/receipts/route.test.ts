/** What a home says of a delivery, and to whom. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { announce } from '#core/intake/announce.ts';
import { deliveryReceipt } from '#core/receipts/delivery-receipt.ts';
import { HeadState, headKey } from '#core/state.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { chunkKey } from '#core/wire/keys.ts';
import { OTHER_TOKEN, TOKEN } from '../api/rig.ts';
import { failed } from '../api/steps.ts';
import { type ReceiptHome, receiptHome, signerOf } from './home.ts';

const BYTES = Buffer.from('eleven byte');
const SHA256 = createHash('sha256').update(BYTES).digest('hex');

/** Another derivation would make another home of each: what it has signed would be nobody's. */
const KID_OF_ZEROS = '2XSdIinWTj4HwBnY-jVcOzXu353AuIALIlJ7kawxewQ';
const KID_OF_ONES = 'cZTJj-QDez5ODDpN5cIGlvpgb-JOfiwgAW2aiomCK24';

let home: ReceiptHome;
let id: TransferId;

async function announced(request: Readonly<Record<string, unknown>>): Promise<TransferId> {
  const { transfers } = await home.rig.create(request);
  const [transfer] = transfers;
  if (transfer === undefined) throw new Error('nothing was announced');
  return transfer.id;
}

async function delivered(digests: object): Promise<TransferId> {
  const request = {
    name: '文件.bin',
    sizeBytes: BYTES.byteLength,
    destinations: [{ id: 'folder', path: '/影视' }],
    digests,
  };
  const { transfers, chunks } = await home.rig.create(request);
  for (const ticket of chunks) home.rig.put(ticket, BYTES);
  // Nobody tells of the chunk here: it is found when the transfer looks by itself.
  home.rig.jump(60_000);
  await home.rig.settle();
  const [transfer] = transfers;
  if (transfer === undefined) throw new Error('nothing was announced');
  return transfer.id;
}

const receiptOf = (transferId: string, token?: string | null) =>
  home.ask(`/api/v1/transfers/${transferId}/receipt`, token);

beforeAll(async () => {
  home = await receiptHome();
  id = await delivered({ sha256: SHA256 });
});
afterAll(() => home[Symbol.asyncDispose]());

describe('a receipt', () => {
  it('says what, where, when and how well it was proved, long after the staged bytes have gone', async () => {
    const { status, body } = await receiptOf(id);
    expect(status).toBe(200);
    expect(body.receipt).toMatchObject({
      transferId: id,
      file: { name: '文件.bin', sizeBytes: 11 },
      destination: { id: 'folder', kind: 'folder', folder: '/影视', location: '/影视/文件.bin', remoteId: null },
      evidence: { grade: 'C', checkedBy: 'size', parts: 1 },
      instant: false,
      digests: [{ algorithm: 'sha256', hex: SHA256, from: ['client', 'staged'] }],
    });
    expect(body.receipt.deliveredAt >= body.receipt.announcedAt).toBe(true);
    home.rig.jump(24 * 60 * 60_000);
    await home.rig.settle();
    expect(home.rig.staging.objects()).toEqual([]);
    expect(await receiptOf(id)).toMatchObject({ body });
  });

  it('has no digest that nobody computed or told', async () => {
    expect((await receiptOf(await delivered({}))).body.receipt.digests).toEqual([]);
  });

  it('has the digest that its home wants of every file, also of a short one, and also of one that was announced before', async () => {
    const { intake, staging, jump, settle } = home.rig;
    const request = { name: 'wanted.bin', sizeBytes: BYTES.byteLength, destinations: [{ id: 'folder', path: '/' }] };
    const announcement = { ownerId: 'local', request, idempotencyKey: 'wanted' };
    const { uploadId, specs } = await announce({ ...intake, receiptDigest: 'sha256' }, announcement);
    expect((await announce(intake, announcement)).uploadId).toBe(uploadId);
    staging.put(chunkKey(uploadId, 1), BYTES);
    jump(60_000);
    await settle();
    const { receipt } = (await receiptOf(specs[0]?.transferId ?? '')).body;
    expect(receipt.digests).toEqual([{ algorithm: 'sha256', hex: SHA256, from: ['staged'] }]);
  });

  it('tells witnesses who differ apart', async () => {
    const row = await home.rig.table.get(headKey(id));
    const head = HeadState.parse(row?.state);
    if (head.step.phase !== 'done') throw new Error('it is not done');
    const receipt = { ...head.step.receipt, told: { sha256: '0'.repeat(64), md5: '1'.repeat(32) } };
    expect(deliveryReceipt({ ...head, step: { ...head.step, receipt } }, 'home').digests).toEqual([
      { algorithm: 'md5', hex: '1'.repeat(32), from: ['destination'] },
      { algorithm: 'sha256', hex: SHA256, from: ['client', 'staged'] },
      { algorithm: 'sha256', hex: '0'.repeat(64), from: ['destination'] },
    ]);
  });

  it('has nothing in it that opens anything', async () => {
    const { text } = await receiptOf(id);
    const payload = Buffer.from(JSON.parse(text).jws.split('.')[1], 'base64url').toString();
    for (const secret of [TOKEN, home.rig.root, 'local', 'signature=', '"d"']) {
      expect(`${text} ${payload}`).not.toContain(secret);
    }
  });

  it('is not given of what was not delivered, nor to others', async () => {
    const waiting = await announced({});
    expect(await receiptOf(waiting)).toMatchObject({
      status: 409,
      body: { error: { code: 'transfer.not_delivered' } },
    });
    await home.rig.force(waiting, failed(home.rig));
    expect(await receiptOf(waiting)).toMatchObject({
      status: 409,
      body: { error: { code: 'transfer.not_delivered' } },
    });
    const nobodys = 'trf_01M80D3TB4H0CP4F835TVPPNWD';
    for (const [transferId, token] of [
      [nobodys, TOKEN],
      [id, OTHER_TOKEN],
    ] as const) {
      expect(await receiptOf(transferId, token)).toMatchObject({
        status: 404,
        body: { error: { code: 'transfer.unknown' } },
      });
    }
    expect(await receiptOf(id, null)).toMatchObject({ status: 401 });
  });
});

describe('the key of a home', () => {
  it('is told to anybody, and is the one that signs', async () => {
    const { status, body } = await home.ask('/api/v1/receipts/key', null);
    expect(status).toBe(200);
    expect(body.keys).toEqual([await home.signer.key()]);
    expect((await receiptOf(id)).body.receipt.home).toBe(body.keys[0].kid);
  });

  it('follows from the seal key alone, for ever: who noted it keeps being able to check', async () => {
    const kids = await Promise.all(
      [signerOf(0), signerOf(0), signerOf(1)].map(async (signer) => (await signer.key()).kid),
    );
    expect(kids).toEqual([KID_OF_ZEROS, KID_OF_ZEROS, KID_OF_ONES]);
  });
});
