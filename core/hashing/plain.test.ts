import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { DigestAlgorithm } from '#core/wire/digest.ts';
import { savableHasher as plain } from './plain.ts';
import { savableHasher as wasm } from './wasm.ts';

const bytes = randomBytes(100_000);

it.each(DigestAlgorithm.options)(
  '%s of every length around a block is what the other library says',
  async (algorithm) => {
    for (const length of [...Array(200).keys(), 100_000]) {
      const [one, other] = [await plain(algorithm), await wasm(algorithm)];
      one.update(bytes.subarray(0, length));
      other.update(bytes.subarray(0, length));
      expect(one.digest('hex'), `${length} bytes`).toBe(other.digest('hex'));
    }
  },
);

it.each(DigestAlgorithm.options)(
  '%s is the same however the bytes are cut, and carried on from a saved state',
  async (algorithm) => {
    const whole = await plain(algorithm);
    whole.update(bytes);
    let hasher = await plain(algorithm);
    for (let at = 0, step = 1; at < bytes.length; at += step, step = (step * 7 + 3) % 997) {
      hasher.update(bytes.subarray(at, Math.min(at + step, bytes.length)));
      const state = hasher.save();
      hasher = await plain(algorithm);
      hasher.load(state);
    }
    expect(Buffer.from(hasher.digest('binary')).toString('hex')).toBe(whole.digest('hex'));
  },
);
