/** The secret box under the same key as stored credentials. */
import type { SecretBox } from '#core/ports/secret-box.ts';
import { type SealKey, seal, unseal } from './seal.ts';

export function sealedBox(key: SealKey): SecretBox {
  return {
    seal: (context, secret) => seal(key, context, secret),
    open: (context, sealed) => unseal(key, context, sealed),
  };
}
