/** Requests to OSS by `fetch`. The runtime keeps the connections. */
import { Fault } from '#core/fault.ts';
import { ANSWER_BYTES_MAX, type Delivery, IDLE_TIMEOUT_MS, type Parcel, type Transport } from '../oss/transport.ts';
import { collected, exchange } from './exchange.ts';

export function ossTransport(): Transport {
  return { send, close: () => {} };
}

async function send({ method, url, headers, body, signal, answer }: Parcel): Promise<Delivery> {
  signal.throwIfAborted();
  if (answer === 'stream')
    throw new Fault('bug', 'oss.no_reading', 'a Worker delivers to OSS and does not read from it');
  const reply = await exchange({
    method,
    url,
    headers,
    body: await bodyOf(body),
    signal,
    idleMs: IDLE_TIMEOUT_MS,
    area: 'oss',
  });
  const { status, headers: told } = reply;
  return { status, headers: told, data: await collected(reply, ANSWER_BYTES_MAX, 'oss'), stream: null };
}

/** A text as bytes: of a text `fetch` would make up a type, which was not signed. */
async function bodyOf(body: Parcel['body']) {
  if (typeof body === 'object') return { sizeBytes: body.sizeBytes, stream: await body.open() };
  return body === undefined || body === '' ? undefined : Buffer.from(body);
}
