/** SHA-256, as FIPS 180-4 has it. */
import type { Mixing } from './blocks.ts';

export const SHA256: Mixing = {
  first: [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
  isLittleEndian: false,
  mix: (words, bytes, at, blocks) => {
    for (let block = 0; block < blocks; block++) {
      extend(bytes, at + 64 * block);
      let a = words.getInt32(0);
      let b = words.getInt32(4);
      let c = words.getInt32(8);
      let d = words.getInt32(12);
      let e = words.getInt32(16);
      let f = words.getInt32(20);
      let g = words.getInt32(24);
      let h = words.getInt32(28);
      for (let i = 0; i < 256; i += 4) {
        const chosen = (e & f) ^ (~e & g);
        const one = (h + turned(e, 6, 11, 25) + chosen + constants.getInt32(i) + schedule.getInt32(i)) | 0;
        const two = (turned(a, 2, 13, 22) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g;
        g = f;
        f = e;
        e = (d + one) | 0;
        d = c;
        c = b;
        b = a;
        a = (one + two) | 0;
      }
      words.setInt32(0, words.getInt32(0) + a);
      words.setInt32(4, words.getInt32(4) + b);
      words.setInt32(8, words.getInt32(8) + c);
      words.setInt32(12, words.getInt32(12) + d);
      words.setInt32(16, words.getInt32(16) + e);
      words.setInt32(20, words.getInt32(20) + f);
      words.setInt32(24, words.getInt32(24) + g);
      words.setInt32(28, words.getInt32(28) + h);
    }
  },
};

/** Of one block at a time: nothing is awaited between. */
const schedule = new DataView(new ArrayBuffer(64 * 4));

/** The first 32 bits behind the point of the cube roots of the first 64 primes. */
const constants = new DataView(new ArrayBuffer(64 * 4));
for (let candidate = 2, found = 0; found < 64; candidate++) {
  if (!isPrime(candidate)) continue;
  constants.setUint32(4 * found, (Math.cbrt(candidate) % 1) * 2 ** 32);
  found += 1;
}

function extend(bytes: DataView, at: number): void {
  for (let i = 0; i < 64; i += 4) schedule.setInt32(i, bytes.getInt32(at + i));
  for (let i = 64; i < 256; i += 4) {
    const [far, near] = [schedule.getInt32(i - 60), schedule.getInt32(i - 8)];
    const low = right(far, 7) ^ right(far, 18) ^ (far >>> 3);
    const high = right(near, 17) ^ right(near, 19) ^ (near >>> 10);
    schedule.setInt32(i, schedule.getInt32(i - 64) + low + schedule.getInt32(i - 28) + high);
  }
}

function turned(word: number, one: number, two: number, three: number): number {
  return right(word, one) ^ right(word, two) ^ right(word, three);
}

function right(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) return false;
  return true;
}
