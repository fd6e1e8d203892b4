/** Receipts of deliveries, and the key that anybody checks them by. */
import { createRoute, z } from '@hono/zod-openapi';
import { Fault } from '#core/fault.ts';
import type { ReceiptSigner } from '#core/ports/receipt-signer.ts';
import { deliveryReceipt } from '#core/receipts/delivery-receipt.ts';
import { signedReceipt } from '#core/receipts/jws.ts';
import { HeadState, headKey } from '#core/state.ts';
import { TransferId } from '#core/wire/ids.ts';
import { ReceiptKeys, SignedReceipt } from '#core/wire/receipt.ts';
import type { Api, ApiDeps } from '../api.ts';
import { answers, secured } from '../openapi.ts';

/** Without a token: who has been given a receipt need not have one. To be mounted before what asks for it. */
export function receiptKeyRoute(app: Api, signer: ReceiptSigner): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/receipts/key',
      summary: 'The public key of this home’s receipts, as a JWK Set; needs no token',
      security: [],
      responses: answers(200, ReceiptKeys),
    }),
    async (c) => c.json({ keys: [await signer.key()] }, 200),
  );
}

export function receiptRoutes(app: Api, { engine }: Pick<ApiDeps, 'engine'>, signer: ReceiptSigner): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/transfers/{id}/receipt',
      summary: 'The signed receipt of a transfer that was delivered',
      ...secured,
      request: { params: z.object({ id: TransferId }) },
      responses: answers(200, SignedReceipt),
    }),
    async (c) => {
      const row = await engine.table.get(headKey(c.req.valid('param').id));
      const head = row === null ? null : HeadState.parse(row.state);
      if (head?.file.ownerId !== c.get('ownerId')) {
        throw new Fault('rejected', 'transfer.unknown', 'there is no such transfer');
      }
      const { kid } = await signer.key();
      return c.json(await signedReceipt(signer, deliveryReceipt(head, kid)), 200);
    },
  );
}
