/** A port whose calls are over when they return: each is one statement, and SQLite answers in the caller's own turn. */

export type InOneGo<Port> = {
  readonly [Name in keyof Port]: Port[Name] extends (...args: infer Args) => Promise<infer Answer>
    ? (...args: Args) => Answer
    : never;
};

/** The port itself, whose callers wait. What a call throws is what its promise is rejected with. */
export function promised<Port extends object>(calls: InOneGo<Port>): Port {
  const entries = Object.entries<(...args: unknown[]) => unknown>(calls);
  const waiting = entries.map(([name, call]) => [name, async (...args: unknown[]) => call(...args)]);
  // The names and the types behind them are those of the calls, which fromEntries forgets.
  return Object.fromEntries(waiting) as Port;
}
