/** What a log may know of an error. */
import { Fault, UNKNOWN_CODE } from './fault.ts';

/** Its code or name and where it was thrown, never its message: that may quote a file name, a URL or a message's body. */
export function traceOf(error: unknown): { readonly reason: string; readonly where?: string } {
  if (error instanceof Fault) return { reason: error.code };
  if (!(error instanceof Error)) return { reason: 'unknown' };
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : '';
  const where = /^\s+at (.+)$/m.exec(error.stack?.replace(error.message, '') ?? '')?.[1];
  return { reason: `${error.name}${code}`, ...(where === undefined ? {} : { where }) };
}

/** What a log is told of a fault: its kind and code, and of one that nobody has named also what was thrown, and where. */
export function faultTrace({ kind, code, cause }: Fault): Readonly<Record<string, string>> {
  return { kind, code, ...(code === UNKNOWN_CODE ? traceOf(cause) : {}) };
}
