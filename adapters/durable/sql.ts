/** The SQLite of a Durable Object in the shape of `node:sqlite`: named values, and how many rows a write has changed. */

/** `ctx.storage.sql`, as far as it is used. */
export interface DurableSql {
  exec(
    query: string,
    ...values: readonly (string | number | null)[]
  ): { toArray(): readonly Record<string, unknown>[] };
}

type Values = Readonly<Record<string, string | number | null>>;

interface DurableStatement {
  get(values: Values): unknown;
  all(values: Values): readonly unknown[];
  run(values: Values): { readonly changes: number };
}

export interface DurableDatabase {
  prepare(query: string): DurableStatement;
}

/** `run` is for a write that returns nothing itself. */
export function durableDatabase(sql: DurableSql): DurableDatabase {
  return {
    prepare: (query) => {
      const { numbered, names } = toNumbered(query);
      // The object's own count, `rowsWritten`, has the rows of the indexes in it.
      const counting = `${numbered} RETURNING 1`;
      const exec = (text: string, values: Values) =>
        sql.exec(text, ...names.map((name) => values[name] ?? null)).toArray();
      return {
        get: (values) => exec(numbered, values)[0],
        all: (values) => exec(numbered, values),
        run: (values) => ({ changes: exec(counting, values).length }),
      };
    },
  };
}

/** `:name` as `?1`: the object's storage takes values by place only. */
function toNumbered(query: string): { readonly numbered: string; readonly names: readonly string[] } {
  const names: string[] = [];
  const numbered = query.replace(/:(\w+)/g, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `?${names.indexOf(name) + 1}`;
  });
  return { numbered, names };
}
