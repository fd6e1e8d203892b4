/** What we use of workerd, so that the compiler needs no package for it: what is not written here is not used. */
declare module 'cloudflare:workers' {
  export interface SqlCursor {
    readonly columnNames: readonly string[];
    readonly rowsRead: number;
    readonly rowsWritten: number;
    toArray(): Record<string, unknown>[];
  }

  export interface DurableObjectContext {
    readonly id: { readonly name?: string; toString(): string };
    readonly storage: {
      readonly sql: {
        exec(sql: string, ...bindings: (string | number | null)[]): SqlCursor;
        readonly databaseSize: number;
      };
      transactionSync<T>(work: () => T): T;
      getAlarm(): Promise<number | null>;
      setAlarm(atMs: number): Promise<void>;
    };
    blockConcurrencyWhile<T>(work: () => Promise<T>): Promise<T>;
    waitUntil(work: Promise<unknown>): void;
    abort(reason?: string): void;
  }

  /** Every public method of a subclass can be called by whoever has its stub. */
  export abstract class DurableObject<Env = unknown> {
    protected readonly ctx: DurableObjectContext;
    protected readonly env: Env;
    constructor(ctx: DurableObjectContext, env: Env);
  }
}

/** The first end goes to the client with the answer; the second is ours once it is accepted. */
declare class WebSocketPair {
  readonly 0: WorkerSocket;
  readonly 1: WorkerSocket;
}

interface WorkerSocket {
  readonly readyState: number;
  accept(): void;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close' | 'error', listener: () => void): void;
}
