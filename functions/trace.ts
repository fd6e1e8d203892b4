/** What a log may know of an error. */
import { Fault } from '#core/fault.ts';

/** Its code or name and where it was thrown, never its message: that may quote a file name, a URL or a message's body. */
export function traceOf(error: unknown): { readonly reason: string; readonly where?: string } {
  if (error instanceof Fault) return { reason: error.code };
  if (!(error instanceof Error)) return { reason: 'unknown' };
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : '';
  const where = /^\s+at (.+)$/m.exec(error.stack?.replace(error.message, '') ?? '')?.[1];
  return { reason: `${error.name}${code}`, ...(where === undefined ? {} : { where }) };
}
