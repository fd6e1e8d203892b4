/** What a Worker's binding of an R2 bucket is to us: the few members that staging uses, as workerd gives them. */

export interface R2Object {
  readonly key: string;
  /** Without quotes. */
  readonly etag: string;
  readonly size: number;
  readonly uploaded: Date;
}

export interface R2Page {
  readonly objects: readonly R2Object[];
  readonly truncated: boolean;
}

export interface R2Bucket {
  head(key: string): Promise<R2Object | null>;
  /** Without a body where the condition does not hold. A range that goes past the end is cut there, without a word. */
  get(
    key: string,
    options: {
      readonly range: { readonly offset: number; readonly length: number };
      readonly onlyIf: { readonly etagMatches: string };
    },
  ): Promise<(R2Object & { readonly body?: ReadableStream<Uint8Array> }) | null>;
  /** At most 1,000 objects, and maybe fewer than asked for although there are more. */
  list(options: { readonly prefix: string; readonly startAfter?: string; readonly limit: number }): Promise<R2Page>;
  /** Knows no condition. */
  delete(key: string): Promise<void>;
}
