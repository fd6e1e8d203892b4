/** One JSON line per entry. */
import type { Log, LogFields } from '#core/ports/log.ts';

/** `least` is the lowest level written. Values are what the engine gives: ids, codes and numbers. */
export function jsonLog(write: (line: string) => void, least: 'info' | 'error'): Log {
  const line = (level: 'info' | 'error', event: string, fields: LogFields = {}): void => {
    write(`${JSON.stringify({ at: new Date().toISOString(), level, event, ...fields })}\n`);
  };
  return {
    info: (event, fields) => {
      if (least === 'info') line('info', event, fields);
    },
    error: (event, fields) => line('error', event, fields),
  };
}
