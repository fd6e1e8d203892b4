/** The package has no types of its own. */
declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** An HTTP server that speaks DynamoDB, in memory. Times are those that a table takes to get ready. */
  function dynalite(options: { readonly createTableMs: number; readonly deleteTableMs: number }): Server;
  export = dynalite;
}
