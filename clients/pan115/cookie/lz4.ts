/**
 * One raw block of LZ4, unpacked. Our own forty lines, because Node has no LZ4, packages for it bring native code or the frame
 * format, and 115's blocks are of 8 KiB at most.
 */
import { Fault } from '#core/fault.ts';

/** Throws Fault `bug` `pan115.bad_answer` for a block that is damaged or holds more than `sizeMax` bytes. */
export function unpackLz4(block: Uint8Array, sizeMax: number): Buffer {
  const out = Buffer.alloc(sizeMax);
  let at = 0;
  let size = 0;

  const next = (): number => block[at++] ?? broken();
  const lengthOf = (nibble: number): number => {
    let length = nibble;
    for (let more = nibble === 15 ? 255 : 0; more === 255; length += more) more = next();
    return length;
  };

  for (;;) {
    const token = next();
    const literals = lengthOf(token >> 4);
    if (at + literals > block.length || size + literals > sizeMax) broken();
    out.set(block.subarray(at, at + literals), size);
    at += literals;
    size += literals;
    if (at === block.length) return out.subarray(0, size);
    const distance = next() + next() * 256;
    const matched = lengthOf(token & 15) + 4;
    if (distance === 0 || distance > size || size + matched > sizeMax) broken();
    // Byte by byte: a match may overlap what it makes.
    for (let left = matched; left > 0; left--) out[size] = out[size++ - distance] ?? 0;
  }
}

function broken(): never {
  throw new Fault('bug', 'pan115.bad_answer', 'an answer of 115 cannot be unpacked');
}
