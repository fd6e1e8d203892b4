/** A receipt opened without asking anybody: nothing of it is believed before its signature fits. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { DeliveryReceipt, RECEIPT_TYPE, ReceiptKey } from '#core/wire/receipt.ts';
import { Problem } from './problem.ts';

const Envelope = z.strictObject({ receipt: z.unknown(), jws: z.string() });
const PublicKey = ReceiptKey.pick({ kty: true, crv: true, x: true });
type PublicKey = z.infer<typeof PublicKey>;
/** `crit` and the like would change what a signature means: such a header is another version's. */
const Header = z.strictObject({
  alg: z.literal('EdDSA'),
  typ: z.literal(RECEIPT_TYPE),
  kid: z.string(),
  jwk: PublicKey,
});
const Keys = z.union([
  PublicKey.transform((key) => [key]),
  z.object({ keys: z.array(PublicKey).min(1).max(1000) }).transform(({ keys }) => keys),
]);

const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]{86})$/;

/**
 * What was signed, once all of this holds: the signature is that of the key which the receipt brings along, the key has the
 * fingerprint that the receipt names as its home, and what people read is what was signed. Whose the key is remains to be asked.
 * Throws Problems `receipt.unreadable`, `receipt.other_version`, `receipt.signature`, `receipt.key_differs`, `receipt.differs`.
 */
export function openReceipt(text: string): DeliveryReceipt {
  const envelope = Envelope.safeParse(parsed(text));
  const parts = COMPACT.exec(envelope.data?.jws ?? '');
  if (!envelope.success || parts === null) throw unreadable();
  const [, header = '', payload = '', signature = ''] = parts;
  const { kid, jwk } = headerOf(header);
  const key = createPublicKey({ format: 'jwk', key: jwk });
  const signed = Buffer.from(`${header}.${payload}`);
  if (!verify(null, signed, key, bytesOf(signature))) {
    throw new Problem('receipt.signature', 'the signature does not fit: the receipt was changed after it was signed');
  }
  const content = parsed(bytesOf(payload).toString());
  const differing = firstDifference(envelope.data.receipt, content, 'receipt');
  if (differing !== null) {
    const message = `what is written at "${differing}" is not what was signed: the readable part was changed`;
    throw new Problem('receipt.differs', message);
  }
  const receipt = DeliveryReceipt.safeParse(content);
  if (!receipt.success) throw otherVersion();
  if (fingerprintOf(jwk) !== kid || receipt.data.home !== kid) {
    throw new Problem('receipt.key_differs', 'the receipt names another home than the one whose key it brings along');
  }
  return receipt.data;
}

/** Of a JWK or a JWK Set. Throws Problem `receipt.bad_key`. */
export function fingerprintsIn(text: string): readonly string[] {
  const keys = Keys.safeParse(parsed(text));
  if (keys.success) return keys.data.map(fingerprintOf);
  throw new Problem('receipt.bad_key', 'this is no public key of receipts: "entrepot receipt-key" gets one');
}

/** RFC 7638. */
function fingerprintOf({ kty, crv, x }: PublicKey): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
}

function headerOf(encoded: string): z.infer<typeof Header> {
  const header = Header.safeParse(parsed(bytesOf(encoded).toString()));
  if (header.success) return header.data;
  throw otherVersion();
}

/** The one way to write these bytes: other characters that decode to the same ones are a change like any other. */
function bytesOf(encoded: string): Buffer {
  const bytes = Buffer.from(encoded, 'base64url');
  if (bytes.toString('base64url') === encoded) return bytes;
  throw unreadable();
}

function firstDifference(shown: unknown, signed: unknown, path: string): string | null {
  if (isDeepStrictEqual(shown, signed)) return null;
  if (!isRecord(shown) || !isRecord(signed)) return path;
  const names = [...new Set([...Object.keys(signed), ...Object.keys(shown)])];
  for (const name of names) {
    const found = firstDifference(shown[name], signed[name], `${path}.${name}`);
    if (found !== null) return found;
  }
  return path;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Null also where a name is given twice: people may read the first one, and the last one is what counts. */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    const colons = text.replace(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1;
    return colons === namesIn(value) ? value : null;
  } catch {
    return null;
  }
}

function namesIn(value: unknown): number {
  if (!isRecord(value)) return 0;
  const inner = Object.values(value).reduce<number>((sum, one) => sum + namesIn(one), 0);
  return inner + (Array.isArray(value) ? 0 : Object.keys(value).length);
}

function unreadable(): Problem {
  return new Problem('receipt.unreadable', 'this is no receipt, or a damaged one');
}

function otherVersion(): Problem {
  return new Problem(
    'receipt.other_version',
    'this receipt is damaged, or of a version that this command does not know',
  );
}
