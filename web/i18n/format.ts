/** Sizes, rates and times in the reader's language, by Intl. */

export interface Formats {
  size(bytes: number): string;
  rate(bytesPerSecond: number): string;
  percent(fraction: number): string;
  /** `2:05`, `1:02:05`: the same in every language, and of steady width. */
  duration(seconds: number): string;
  time(iso: string): string;
  timeOfDay(iso: string): string;
  /** Day and hour, without seconds. */
  moment(iso: string): string;
  integer(value: number): string;
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

export function formats(locale: string): Formats {
  const sizes = UNITS.map((unit, power) => unitFormat(locale, unit, power));
  const rates = UNITS.map((unit, power) => unitFormat(locale, `${unit}-per-second`, power));
  const percents = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });
  const times = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });
  const hours = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
  const moments = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
  const integers = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  return {
    size: (bytes) => (bytes < 1000 ? `${integers.format(bytes)} B` : scaled(sizes, bytes, 1)),
    // Slower than 1 kB/s is slower than anybody cares to know.
    rate: (bytesPerSecond) => scaled(rates, bytesPerSecond, 1),
    // 100 % is for what is complete.
    percent: (fraction) => percents.format(fraction >= 1 ? 1 : Math.floor(fraction * 100) / 100),
    duration: clock,
    time: (iso) => times.format(new Date(iso)),
    moment: (iso) => moments.format(new Date(iso)),
    timeOfDay: (iso) => hours.format(new Date(iso)),
    integer: (value) => integers.format(value),
  };
}

function unitFormat(locale: string, unit: string, power: number): Intl.NumberFormat {
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: power < 2 ? 0 : 1,
    minimumFractionDigits: power < 2 ? 0 : 1,
  });
}

function scaled(units: readonly Intl.NumberFormat[], value: number, powerMin: number): string {
  const power =
    value < 1 ? powerMin : Math.min(units.length - 1, Math.max(powerMin, Math.floor(Math.log10(value) / 3)));
  return units[power]?.format(value / 1000 ** power) ?? String(value);
}

function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}
