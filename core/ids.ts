/** Makes ids. New ones sort by time; those of inbox objects follow from what they name, so that a repeat finds itself. */
import { createHash } from 'node:crypto';
import { ulid } from 'ulid';
import type { Clock } from './ports/clock.ts';
import { TransferId, UploadId } from './wire/ids.ts';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export function newUploadId(clock: Clock): UploadId {
  return UploadId.parse(`upl_${ulid(clock.now(), () => clock.random())}`);
}

/** The same parts give the same id: a hash cut to 130 bits. */
export function uploadIdFrom(...parts: readonly string[]): UploadId {
  return UploadId.parse(`upl_${hashed(parts)}`);
}

export function transferIdFrom(uploadId: UploadId, index: number): TransferId {
  return TransferId.parse(`trf_${hashed([uploadId, String(index)])}`);
}

function hashed(parts: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest();
  let bits = 0;
  let value = 0;
  let text = '';
  for (const byte of digest) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5 && text.length < 26) {
      bits -= 5;
      text += CROCKFORD[(value >> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return text;
}
