/** The client of all benches: plain requests over kept connections, many at a time. */
import { randomFillSync } from 'node:crypto';
import { Agent, type IncomingMessage, request } from 'node:http';
import { MIB } from './measure.ts';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

const PIECE_BYTES = 256 * 1024;
const noise = randomFillSync(Buffer.allocUnsafeSlow(16 * MIB));

/** Closes the kept connections, so that the process may end. */
export const hangUp = (): void => agent.destroy();

/** PUTs `sizeBytes` bytes of noise; answers the moment (performance.now) at which the answer's head was there. */
export async function putNoise(
  url: string,
  sizeBytes: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const answer = await exchange(url, 'PUT', { ...headers, 'content-length': String(sizeBytes) }, (send) => {
    let at = 0;
    const push = (): void => {
      while (at < sizeBytes) {
        const from = at % noise.length;
        const piece = noise.subarray(from, Math.min(from + PIECE_BYTES, from + sizeBytes - at, noise.length));
        at += piece.length;
        if (!send.write(piece)) return void send.once('drain', push);
      }
      send.end();
    };
    push();
  });
  const answeredAt = performance.now();
  await drained(answer, 'PUT');
  return answeredAt;
}

/** GETs and throws the bytes away; answers how many there were. */
export async function getBytes(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  return drained(await exchange(url, 'GET', headers, (send) => send.end()), 'GET');
}

/** Runs `work` for each item, `inFlight` at a time, started in order. */
export async function pooled<T>(
  items: readonly T[],
  inFlight: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}

export const numbersTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

function exchange(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  send: (outgoing: ReturnType<typeof request>) => void,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent });
    outgoing.on('response', resolve);
    outgoing.on('error', reject);
    outgoing.setNoDelay(true);
    send(outgoing);
  });
}

/** By events: reading with `for await` costs a third of the throughput. */
function drained(answer: IncomingMessage, method: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    answer.on('data', (piece: Buffer) => {
      bytes += piece.length;
    });
    answer.on('error', reject);
    answer.on('end', () => {
      const status = answer.statusCode ?? 0;
      if (status < 200 || status > 299) reject(new Error(`${method} was answered with ${status}`));
      else resolve(bytes);
    });
  });
}
