/** As much of a SQLite as the stores here use: the shape of `node:sqlite`, which a Durable Object's storage can be given too. */

export type SqlValue = string | number | null;
/** By name, without the colon that the name has in the statement. */
export type SqlValues = Record<string, SqlValue>;

export interface Statement {
  /** The first row, undefined without one. */
  get(values: SqlValues): unknown;
  all(values: SqlValues): readonly unknown[];
  /** `changes`: how many rows it wrote or deleted, whatever their indexes took. */
  run(values: SqlValues): { readonly changes: number | bigint };
}

export interface Database {
  prepare(sql: string): Statement;
}
