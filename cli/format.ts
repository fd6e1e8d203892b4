/** Numbers and names as people read them. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.5 MiB`: three significant digits. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** `0:07`, `12:34`, `3:05:09`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** `350 ms`, `2.1 s`. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Never 100 before all of it is there. */
export function formatShare(part: number, whole: number): string {
  const share = whole === 0 ? 1 : Math.min(1, part / whole);
  return `${Math.floor(share * 100)}%`.padStart(4);
}

/** Control characters in a name must not reach the terminal, nor those that turn the direction of what follows. */
export function printable(name: string): string {
  return name.replace(/\p{Cc}|\p{Bidi_Control}/gu, '\u{fffd}');
}

/** Cut to `columns` of a terminal, where an East Asian character or an emoji takes two; padded with blanks. */
export function fitted(text: string, columns: number): string {
  let used = 0;
  let kept = '';
  for (const character of printable(text)) {
    const width = widthOf(character);
    if (used + width > columns) {
      while (used > columns - 1) {
        const last = [...kept].at(-1) ?? '';
        kept = kept.slice(0, kept.length - last.length);
        used -= widthOf(last);
      }
      return `${kept}…${' '.repeat(Math.max(0, columns - used - 1))}`;
    }
    kept += character;
    used += width;
  }
  return kept + ' '.repeat(columns - used);
}

function widthOf(character: string): number {
  if (/\p{Mn}/u.test(character)) return 0;
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
    character,
  )
    ? 2
    : 1;
}
