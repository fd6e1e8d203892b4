/** What a bench answers, and how it is shown: figures beside a peer or a limit, never alone. */
import type { Machine } from './measure.ts';

/** `quick` is for working on a bench; its figures are too small to be quoted. */
export type Size = 'full' | 'quick';

export interface Bench {
  readonly name: string;
  readonly about: string;
  run(size: Size): Promise<Report>;
}

export interface Report {
  readonly tables: readonly Table[];
  readonly targets: readonly Target[];
  /** Named with their units, for whoever compares runs. */
  readonly figures: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

export interface Target {
  readonly what: string;
  readonly sense: 'at most' | 'at least';
  readonly limit: number;
  readonly measured: number;
  readonly unit: string;
}

export function holds({ sense, limit, measured }: Target): boolean {
  return sense === 'at most' ? measured <= limit : measured >= limit;
}

/** The report as text for a person. */
export function shown(bench: Bench, report: Report): string {
  const targets = report.targets.map((target) => {
    const { what, sense, limit, measured, unit } = target;
    const verdict = holds(target) ? 'holds' : 'DOES NOT HOLD';
    return `  target: ${what} ${sense} ${figure(limit)} ${unit}; measured ${figure(measured)}: ${verdict}`;
  });
  const notes = report.notes.map((note) => `  note: ${note}`);
  const body = [...report.tables.map(tableText), [...targets, ...notes].join('\n')].filter((text) => text !== '');
  return `${bench.name}: ${bench.about}\n\n${body.join('\n\n')}\n\n`;
}

/** The report as one JSON line for a program. */
export function jsonLine(
  bench: Bench,
  report: Report,
  run: { readonly machine: Machine; readonly size: Size },
): string {
  const targets = report.targets.map((target) => ({ ...target, holds: holds(target) }));
  const { machine, size } = run;
  return `${JSON.stringify({ bench: bench.name, at: new Date().toISOString(), size, machine, figures: report.figures, targets })}\n`;
}

/** Three significant digits; larger numbers in full. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

/** `a` in times of `b`. */
export function ratio(a: number, b: number): string {
  return `${figure(a / b)} ×`;
}

function tableText({ columns, rows }: Table): string {
  const cells = [columns, ...rows.map((row) => row.map((cell) => (typeof cell === 'number' ? figure(cell) : cell)))];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
  );
  const rule = widths.map((width) => '-'.repeat(width));
  return [lines[0] ?? [], rule, ...lines.slice(1)].map((row) => `  ${row.join('  ')}`.trimEnd()).join('\n');
}
