/** When, and how fast, files may go to a destination, as a form has it and as a line says it. */
import { Limits } from '#core/wire/limits.ts';
import type { Messages } from '../i18n/en.ts';

/** As typed. `from` and `to` stay while `isTimed` is off. */
export interface LimitsDraft {
  readonly megabytesPerSecond: string;
  readonly isTimed: boolean;
  readonly from: string;
  readonly to: string;
  readonly zone: string;
  /** Hours that the two fields cannot hold, as those of certain days: they go out as they came. Null: the fields count. */
  readonly keptHours: Limits['hours'] | null;
}

const MEGABYTE = 1_000_000;
const NIGHT = { from: '01:00', to: '07:00' };

export function limitsDraftOf({ bytesPerSecond, hours }: Limits): LimitsDraft {
  const [window, ...more] = hours?.windows ?? [];
  const isPlain = window !== undefined && more.length === 0 && window.days === undefined;
  return {
    megabytesPerSecond: bytesPerSecond === undefined ? '' : String(bytesPerSecond / MEGABYTE),
    isTimed: hours !== undefined,
    from: window?.from ?? NIGHT.from,
    to: window?.to ?? NIGHT.to,
    zone: hours?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    keptHours: hours === undefined || isPlain ? null : hours,
  };
}

/** Null when something in it does not fit. */
export function limitsOf(draft: LimitsDraft): Limits | null {
  const bytesPerSecond = parseSpeed(draft.megabytesPerSecond);
  if (bytesPerSecond === null) return null;
  const { zone, from, to, isTimed } = draft;
  const hours = draft.keptHours ?? { zone, windows: [{ from, to }] };
  const parsed = Limits.safeParse({
    ...(bytesPerSecond === 'any' ? {} : { bytesPerSecond }),
    ...(isTimed ? { hours } : {}),
  });
  return parsed.success ? parsed.data : null;
}

/** Megabytes as typed, in bytes; null for what is none, or too little or too much. */
export function parseSpeed(megabytes: string): number | 'any' | null {
  if (megabytes.trim() === '') return 'any';
  const parsed = Limits.shape.bytesPerSecond.safeParse(Math.round(Number(megabytes) * MEGABYTE));
  return parsed.data ?? null;
}

/** `2 MB/s · 01:00–07:00`; null: none. */
export function limitsWords(
  { limits: text }: Messages,
  rate: (bytes: number) => string,
  limits: Limits,
): string | null {
  const { bytesPerSecond, hours } = limits;
  const first = hours?.windows[0];
  const words = [
    ...(bytesPerSecond === undefined ? [] : [rate(bytesPerSecond)]),
    ...(hours === undefined || first === undefined
      ? []
      : [hours.windows.length === 1 && !first.days ? `${first.from}–${first.to}` : text.certainHours]),
  ];
  return words.length === 0 ? null : words.join(' · ');
}
