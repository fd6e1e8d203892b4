/** One JSON line per commit and per fault, written by the engine's loop. Adapters are silent. */

/** Never a file name, URL, token or cookie: ids, codes and numbers only. */
export type LogFields = Readonly<Record<string, string | number | null | undefined>>;

export interface Log {
  info(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
