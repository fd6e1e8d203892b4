/** SHA-1, as FIPS 180-4 has it. */
import type { Mixing } from './blocks.ts';

export const SHA1: Mixing = {
  first: [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0],
  isLittleEndian: false,
  mix: (words, bytes, at, blocks) => {
    // Views and not arrays, whose elements might be undefined as far as the compiler knows.
    for (let block = 0; block < blocks; block++) {
      extend(bytes, at + 64 * block);
      let a = words.getInt32(0);
      let b = words.getInt32(4);
      let c = words.getInt32(8);
      let d = words.getInt32(12);
      let e = words.getInt32(16);
      for (let i = 0; i < 80; i++) {
        const mixed =
          i < 20
            ? ((b & c) | (~b & d)) + 0x5a827999
            : i < 40
              ? (b ^ c ^ d) + 0x6ed9eba1
              : i < 60
                ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                : (b ^ c ^ d) + 0xca62c1d6;
        const next = (((a << 5) | (a >>> 27)) + mixed + e + schedule.getInt32(4 * i)) | 0;
        e = d;
        d = c;
        c = (b << 30) | (b >>> 2);
        b = a;
        a = next;
      }
      words.setInt32(0, words.getInt32(0) + a);
      words.setInt32(4, words.getInt32(4) + b);
      words.setInt32(8, words.getInt32(8) + c);
      words.setInt32(12, words.getInt32(12) + d);
      words.setInt32(16, words.getInt32(16) + e);
    }
  },
};

/** Of one block at a time: nothing is awaited between. */
const schedule = new DataView(new ArrayBuffer(80 * 4));

function extend(bytes: DataView, at: number): void {
  for (let i = 0; i < 64; i += 4) schedule.setInt32(i, bytes.getInt32(at + i));
  for (let i = 64; i < 320; i += 4) {
    const x =
      schedule.getInt32(i - 12) ^ schedule.getInt32(i - 32) ^ schedule.getInt32(i - 56) ^ schedule.getInt32(i - 64);
    schedule.setInt32(i, (x << 1) | (x >>> 31));
  }
}
