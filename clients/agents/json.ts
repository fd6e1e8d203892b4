/** JSON in messages. */
import { Fault } from '#core/fault.ts';

/** What is nothing is `null`. Throws Fault `bug` `agent.too_large`. */
export function writeJson(value: unknown, bytesMax: number): string {
  const text = JSON.stringify(value) ?? 'null';
  // A character of JSON text is 1 to 3 bytes.
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text;
  throw new Fault('bug', 'agent.too_large', `more than ${bytesMax} bytes do not go through the line to an agent`);
}

/** `undefined` when it is not JSON, which no schema of ours takes. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
