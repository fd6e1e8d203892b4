/** A home of the tests that signs receipts, with a folder to deliver to. */

import { receiptSigner } from '#adapters/vault/receipt-signer.ts';
import { sealKey } from '#adapters/vault/seal.ts';
import type { ReceiptSigner } from '#core/ports/receipt-signer.ts';
import { signedReceipt } from '#core/receipts/jws.ts';
import { TransferId } from '#core/wire/ids.ts';
import type { DeliveryReceipt } from '#core/wire/receipt.ts';
import { createApi } from '../../functions/api.ts';
import { type ApiRig, apiRig, OTHER_TOKEN, TOKEN } from '../api/rig.ts';

export interface ReceiptHome extends AsyncDisposable {
  readonly rig: ApiRig;
  readonly signer: ReceiptSigner;
  ask(
    path: string,
    token?: string | null,
  ): Promise<{ readonly status: number; readonly body: any; readonly text: string }>;
}

export const signerOf = (first: number): ReceiptSigner => receiptSigner(sealKey(new Uint8Array(32).fill(first)));

export async function receiptHome(): Promise<ReceiptHome> {
  const rig = await apiRig();
  const signer = signerOf(0);
  const owners = new Map([
    [TOKEN, 'local'],
    [OTHER_TOKEN, 'other'],
  ]);
  const app = createApi({
    engine: rig.engine,
    intake: rig.intake,
    authenticate: (token) => owners.get(token) ?? null,
    issueTicket: () => ({ ticket: 'none', expiresAtMs: 0 }),
    receipts: signer,
  });
  return {
    rig,
    signer,
    ask: async (path, token = TOKEN) => {
      const headers = token === null ? {} : { authorization: `Bearer ${token}` };
      const answer = await app.request(path, { headers });
      const text = await answer.text();
      return { status: answer.status, body: JSON.parse(text), text };
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

/** A receipt with every field filled, as the file that the page saves. */
export async function receiptText(
  signer: ReceiptSigner,
  change: Partial<DeliveryReceipt> = {},
): Promise<{ readonly receipt: DeliveryReceipt; readonly text: string }> {
  const { kid } = await signer.key();
  const receipt: DeliveryReceipt = {
    v: 1,
    home: kid,
    transferId: TransferId.parse('trf_01M80D3TB4H0CP4F835TVPPNWD'),
    file: { name: '电影.mkv', sizeBytes: 11 },
    announcedAt: '2026-11-22T10:00:00.000Z',
    startedAt: '2026-11-22T10:00:01.000Z',
    deliveredAt: '2026-11-22T10:00:02.000Z',
    destination: { id: 'nas', kind: 's3', folder: '/影视', location: 's3://there/影视/电影.mkv', remoteId: 'an etag' },
    evidence: { grade: 'A', checkedBy: 'crc64nvme', parts: 3, means: 'the destination proved a hash of all bytes' },
    instant: false,
    digests: [{ algorithm: 'sha256', hex: SHA256_OF_HELLO, from: ['client', 'staged', 'destination'] }],
    ...change,
  };
  return { receipt, text: JSON.stringify(await signedReceipt(signer, receipt), null, 2) };
}

export const HELLO = 'hello world';
const SHA256_OF_HELLO = 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9';
