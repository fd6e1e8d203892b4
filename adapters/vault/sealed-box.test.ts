import { expect, it } from 'vitest';
import { seal, sealKey } from './seal.ts';
import { sealedBox } from './sealed-box.ts';

const key = sealKey(new Uint8Array(32).fill(7));
const UNREADABLE = expect.objectContaining({ kind: 'auth', code: 'credentials.unreadable' });

it('what is sealed opens under its own context, and under no other', () => {
  const box = sealedBox(key);
  const sealed = JSON.parse(JSON.stringify(box.seal('login:1', { verifier: 'secret' })));
  expect(JSON.stringify(sealed)).not.toContain('secret');
  expect(box.open('login:1', sealed)).toEqual({ verifier: 'secret' });
  expect(() => box.open('login:2', sealed)).toThrow(UNREADABLE);
  expect(() => box.open('login:1', seal(key, '1', { verifier: 'secret' }))).toThrow(UNREADABLE);
});
