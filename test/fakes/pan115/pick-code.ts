/** Pick codes: an id in base 36 under letters that depend on the first one. */
import { Refusal } from './exchange.ts';

const CLEAR = '0123456789abcdefghijklmnopqrstuvwxyz';

/** Which clear digit each of the 36 signs stands for, by the first letter. */
const ALPHABETS: ReadonlyMap<string, string> = new Map([
  ['a', 'fuln1ytpj3smg8d5a094qh7cxkbi62zvewro'],
  ['b', 'sk721n9a0emlfpcrzbqdw3gjh6ty5xui48vo'],
  ['c', 'ywcz3hite6f1j0guoakvdb2ns7p8qr9ml5x4'],
  ['d', 'rq2vl5o7wsken9u8tp4jg3zbyc6xmhifd01a'],
  ['e', 'ljm9eqbcfhw7ktv3x1dgp5ua8y6s4znr2io0'],
]);

/** Behind the id, in clear: one per account, beginning with 0. */
const SUFFIX = '0abc';

export function pickCodeOf(id: bigint, prefix: string): string {
  const alphabet = ALPHABETS.get(prefix.slice(-1)) ?? missing(prefix);
  const sealed = [...(id.toString(36) + SUFFIX)].map((clear) => CLEAR[alphabet.indexOf(clear)] ?? missing(clear));
  return prefix + sealed.join('');
}

export function idOf(pickCode: string): bigint {
  const prefix = pickCode.startsWith('f') ? pickCode.slice(0, 2) : pickCode.slice(0, 1);
  const alphabet = ALPHABETS.get(prefix.slice(-1)) ?? missing(prefix);
  const clear = [...pickCode.slice(prefix.length, -4)].map((sign) => alphabet[CLEAR.indexOf(sign)] ?? missing(sign));
  return clear.reduce((id, digit) => id * 36n + BigInt(CLEAR.indexOf(digit)), 0n);
}

function missing(what: string): never {
  throw new Refusal(50003, `pick code ${what}`);
}
