/** What happened in a run: its last effects, and the first promise that was broken. */

export interface Journal {
  /** Notes an effect; kept as it is and put into words only when somebody reads it. */
  note(atMs: number, who: string, what: string, ...details: readonly unknown[]): void;
  /** Notes a broken invariant; the run stops at its next step. */
  violate(invariant: string, message: string): void;
  violation(): string | null;
  /** The last effects, one a line. */
  tail(): string;
  /** How many effects there were. */
  count(): number;
}

const KEPT = 80;

export function journal(startMs: number): Journal {
  const entries: (readonly unknown[])[] = [];
  let count = 0;
  let broken: string | null = null;
  return {
    note: (...entry) => {
      entries[count % KEPT] = entry;
      count += 1;
    },
    violate: (invariant, message) => {
      broken ??= `${invariant}: ${message}`;
    },
    violation: () => broken,
    tail: () => {
      const from = Math.max(0, count - KEPT);
      return Array.from({ length: count - from }, (_, i) => inWords(entries[(from + i) % KEPT] ?? [], startMs)).join(
        '\n',
      );
    },
    count: () => count,
  };
}

/** Rows by their key, ids by their end. */
function brief(detail: unknown): unknown {
  if (typeof detail !== 'object' || detail === null) return detail;
  if ('pk' in detail && 'sk' in detail) return `${String(detail.pk).slice(0, 8)} ${String(detail.sk)}`;
  if ('state' in detail) return brief(detail.state);
  if ('advance' in detail) return { ...detail, advance: brief(detail.advance) };
  const { file: _file, events: _events, ...rest } = { file: null, events: null, ...detail };
  return rest;
}

function inWords([atMs, who, what, ...details]: readonly unknown[], startMs: number): string {
  const seconds = ((Number(atMs) - startMs) / 1000).toFixed(3).padStart(10);
  const rest = details.map((detail) =>
    (typeof detail === 'string' ? detail : JSON.stringify(brief(detail)))?.slice(0, 200),
  );
  return `${seconds} ${String(who).padEnd(10)} ${String(what)} ${rest.join(' ')}`;
}
