/** Names as 115 takes them. */
import { Fault } from '#core/fault.ts';

/** UTF-8 bytes: longer ones are cut by 115 without a word. */
const NAME_BYTES_MAX = 255;

/** 115 refuses these three; their full-width twins look the same and are taken. */
const TWINS: ReadonlyMap<string, string> = new Map([
  ['"', '＂'],
  ['<', '＜'],
  ['>', '＞'],
]);

/** The name under which 115 keeps this file or folder. Throws Fault `rejected` `pan115.name_refused`. */
export function nameAt115(name: string): string {
  const taken = name.replaceAll(/["<>]/g, (sign) => TWINS.get(sign) ?? sign);
  if (taken === '' || taken === '.' || taken === '..' || taken.includes('/') || hasControl(taken)) {
    throw refused('115 does not take this name: rename the file and send it again');
  }
  if (Buffer.byteLength(taken) > NAME_BYTES_MAX) {
    throw refused(`the name is longer than ${NAME_BYTES_MAX} bytes, the most 115 takes: shorten it and send it again`);
  }
  return taken;
}

/** `film.mkv` as `film (2).mkv`: the suffix stays, for 115 refuses to change it; the stem gives way. `n` from 2. */
export function numberedName(name: string, n: number): string {
  const dot = name.lastIndexOf('.');
  const suffix = dot > 0 ? name.slice(dot) : '';
  const tail = ` (${n})${suffix}`;
  const room = NAME_BYTES_MAX - Buffer.byteLength(tail);
  let stem = '';
  let usedBytes = 0;
  for (const sign of suffix === '' ? name : name.slice(0, dot)) {
    usedBytes += Buffer.byteLength(sign);
    if (usedBytes > room) break;
    stem += sign;
  }
  if (stem === '') throw refused('the name leaves no room for a number: shorten it and send it again');
  return stem + tail;
}

function hasControl(name: string): boolean {
  return [...name].some((sign) => (sign.codePointAt(0) ?? 0) < 32 || sign === '\u007f');
}

function refused(text: string): Fault {
  return new Fault('rejected', 'pan115.name_refused', text);
}
