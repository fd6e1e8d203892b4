import fc from 'fast-check';
import { expect, it } from 'vitest';
import { seal, sealKey, unseal } from './seal.ts';

const key = sealKey(new Uint8Array(32).fill(7));
const UNREADABLE = expect.objectContaining({ kind: 'auth', code: 'credentials.unreadable' });

it('every JSON value comes back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(unseal(key, 'nas', seal(key, 'nas', value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

it('any change of any byte, of the nonce or of the length is refused', () => {
  const sealed = seal(key, 'nas', { token: 'secret' });
  const data = Buffer.from(sealed.data, 'base64');
  for (let at = 0; at < data.byteLength; at++) {
    const changed = Buffer.from(data);
    changed.writeUInt8(changed.readUInt8(at) ^ 0x80, at);
    expect(() => unseal(key, 'nas', { ...sealed, data: changed.toString('base64') })).toThrow(UNREADABLE);
  }
  for (const cut of [0, 1, 15, 16, data.byteLength - 1]) {
    const short = data.subarray(0, cut).toString('base64');
    expect(() => unseal(key, 'nas', { ...sealed, data: short })).toThrow(UNREADABLE);
  }
  expect(() => unseal(key, 'nas', { ...sealed, nonce: seal(key, 'nas', 1).nonce })).toThrow(UNREADABLE);
  for (const nonce of ['', 'AAAA']) expect(() => unseal(key, 'nas', { ...sealed, nonce })).toThrow(UNREADABLE);
});

it('what is no sealed value is refused', () => {
  for (const value of [null, 7, 'text', {}, { format: 2 }]) expect(() => unseal(key, 'nas', value)).toThrow(UNREADABLE);
});

it('a key of another length is refused', () => {
  for (const length of [0, 16, 31, 33]) expect(() => sealKey(new Uint8Array(length))).toThrow('32 bytes');
});

it('the name of a key tells nothing of it', () => {
  expect(key.id).toMatch(/^[0-9a-f]{16}$/);
  expect(Buffer.from(key.bytes).toString('hex')).not.toContain(key.id);
});
