/** The headers, against the published example of Standard Webhooks. */
import { expect, test } from 'vitest';
import { secretOf, signatureHeaders } from '#core/webhooks/signature.ts';

test('the example of the specification has the signature that is printed there', () => {
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' };
  expect(signatureHeaders(message, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 1_614_265_330_999)).toEqual({
    'webhook-id': message.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('a secret is whsec_ and the base64 of its bytes', () => {
  expect(secretOf(new Uint8Array(3).fill(255))).toBe('whsec_////');
});
