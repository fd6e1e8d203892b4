/** MD5, as RFC 1321 has it. */
import type { Mixing } from './blocks.ts';

export const MD5: Mixing = {
  first: [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476],
  isLittleEndian: true,
  mix: (words, bytes, at, blocks) => {
    for (let block = 0; block < blocks; block++) {
      const from = at + 64 * block;
      let a = words.getInt32(0);
      let b = words.getInt32(4);
      let c = words.getInt32(8);
      let d = words.getInt32(12);
      for (let i = 0; i < 64; i++) {
        const round = i >>> 4;
        const mixed =
          round === 0 ? (b & c) | (~b & d) : round === 1 ? (d & b) | (~d & c) : round === 2 ? b ^ c ^ d : c ^ (b | ~d);
        const part = bytes.getInt32(from + placed.getUint8(i), true);
        const sum = (a + mixed + constants.getInt32(4 * i) + part) | 0;
        const by = turns.getUint8(4 * round + (i & 3));
        a = d;
        d = c;
        c = b;
        b = (b + ((sum << by) | (sum >>> (32 - by)))) | 0;
      }
      words.setInt32(0, words.getInt32(0) + a);
      words.setInt32(4, words.getInt32(4) + b);
      words.setInt32(8, words.getInt32(8) + c);
      words.setInt32(12, words.getInt32(12) + d);
    }
  },
};

const turns = new DataView(Uint8Array.of(7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21).buffer);

/** Which word of the block each step takes, in bytes. */
const placed = new DataView(new ArrayBuffer(64));

/** The first 32 bits behind the point of the sines of 1 to 64, without their signs. */
const constants = new DataView(new ArrayBuffer(64 * 4));
for (let i = 0; i < 64; i++) {
  const word = [i, 5 * i + 1, 3 * i + 5, 7 * i][i >>> 4] ?? 0;
  placed.setUint8(i, 4 * (word % 16));
  constants.setUint32(4 * i, Math.abs(Math.sin(i + 1)) * 2 ** 32);
}
