/** What a Cloudflare Queue throws at its producer: the number at the end of its message says what it is about. */
import { Fault, type FaultKind } from '#core/fault.ts';

/** Any error of a call to the producer binding. */
export function queueFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const text = error instanceof Error ? error.message : '';
  const [, number] = /\((\d{5})\)$/.exec(text) ?? [];
  const [kind, code, message] = wordsOf(Number(number ?? 0), text);
  return new Fault(kind, code, `${message} (${number ?? 'no number'})`, { cause: error });
}

type Words = readonly [kind: FaultKind, code: string, message: string];

const UNAVAILABLE: Words = ['transient', 'queue.unavailable', 'the queue cannot be reached'];
const SLOW_DOWN: Words = ['throttled', 'queue.slow_down', 'the queue asks for fewer messages'];

const WORDS: ReadonlyMap<number, Words> = new Map([
  [10104, ['auth', 'queue.missing', 'the queue does not exist: check the binding']],
  [10106, ['auth', 'queue.denied', 'the queue refused this Worker']],
  [10201, UNAVAILABLE],
  [10250, SLOW_DOWN],
  [10251, ['throttled', 'queue.full', 'the queue holds as much as it may']],
  [10252, ['auth', 'queue.paused', 'the queue has been disabled: somebody has to enable it']],
  [10253, ['auth', 'queue.quota', 'the messages of the free plan are used up']],
]);

function wordsOf(number: number, text: string): Words {
  const known = WORDS.get(number);
  if (known !== undefined) return known;
  // The limits of throughput and of room are also documented by name alone.
  if (/Too Many Requests|Storage Limit/i.test(text)) return SLOW_DOWN;
  return number >= 10_000 && number < 10_300
    ? ['bug', 'queue.refused', 'the queue refused a request of ours']
    : UNAVAILABLE;
}
