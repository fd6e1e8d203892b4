/** Secrets at rest: AES-256-GCM under a key that lives elsewhere, bound to the destination they belong to. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';

/** `id` names the key without telling anything of it: it is stored beside each secret. */
export interface SealKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/** Base64. `data` ends with the 16 bytes of the tag. */
export type Sealed = z.infer<typeof Sealed>;
export const Sealed = z.object({ format: z.literal(1), keyId: z.string(), nonce: z.base64(), data: z.base64() });

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';

/** Throws a plain Error unless there are exactly 32 bytes. */
export function sealKey(bytes: Uint8Array): SealKey {
  if (bytes.byteLength !== KEY_BYTES) throw new Error(`a sealing key has ${KEY_BYTES} bytes, not ${bytes.byteLength}`);
  const id = createHash('sha256').update('entrepot key id\0').update(bytes).digest('hex').slice(0, 16);
  return { id, bytes: Buffer.from(bytes) };
}

/** A fresh random nonce each time: the same secret sealed twice differs. `secret` is JSON. */
export function seal(key: SealKey, destinationId: string, secret: unknown): Sealed {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key.bytes, nonce).setAAD(boundTo(destinationId));
  const data = Buffer.concat([
    cipher.update(JSON.stringify(secret ?? null), 'utf8'),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  return { format: 1, keyId: key.id, nonce: nonce.toString('base64'), data: data.toString('base64') };
}

/** Throws Fault `auth` `credentials.unreadable`: another key, another destination, or changed bytes. */
export function unseal(key: SealKey, destinationId: string, sealed: unknown): unknown {
  const parsed = Sealed.safeParse(sealed);
  if (!parsed.success) throw unreadable('they are damaged', parsed.error);
  if (parsed.data.keyId !== key.id) throw unreadable('they were sealed with another key');
  const data = Buffer.from(parsed.data.data, 'base64');
  const end = Math.max(0, data.byteLength - TAG_BYTES);
  try {
    const decipher = createDecipheriv(CIPHER, key.bytes, Buffer.from(parsed.data.nonce, 'base64'), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(boundTo(destinationId)).setAuthTag(data.subarray(end));
    return JSON.parse(`${decipher.update(data.subarray(0, end), undefined, 'utf8')}${decipher.final('utf8')}`);
  } catch (error) {
    throw unreadable('they are damaged or belong to another destination', error);
  }
}

function boundTo(destinationId: string): Buffer {
  return Buffer.from(`entrepot credentials\0format 1\0${destinationId}`);
}

function unreadable(why: string, cause?: unknown): Fault {
  return new Fault(
    'auth',
    'credentials.unreadable',
    `the stored credentials cannot be opened, ${why}: add them again`,
    { cause },
  );
}
