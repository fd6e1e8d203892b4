/** A thread with a DynamoDB of its own, which does what the engine's thread asks while that one stands still. */
import { once } from 'node:events';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type MessagePort, workerData } from 'node:worker_threads';
import { startDynalite } from '../support/dynalite.ts';

export interface Asked {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Told {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Failed {
  readonly failed: string;
}

export interface Line {
  readonly port: MessagePort;
  /** Rises with each answer: on this the other thread waits. */
  readonly answers: Int32Array;
}

// The one who starts this thread gives it a Line.
const { port, answers } = workerData as Line;
const dynamo = await startDynalite();
let table: string | null = null;

port.on('message', async (asked: Asked | 'table' | 'stop') => {
  if (asked === 'stop') return stop();
  try {
    tell(asked === 'table' ? await freshTable() : await forward(asked));
  } catch (error) {
    tell({ failed: String(error) });
  }
});
tell('ready');

function tell(answer: Told | Failed | string): void {
  port.postMessage(answer);
  Atomics.add(answers, 0, 1);
  Atomics.notify(answers, 0);
}

/** The table of the last run is of no use any more. */
async function freshTable(): Promise<string> {
  if (table !== null) await dynamo.dropTable(table);
  table = await dynamo.createTable();
  return table;
}

async function forward({ headers, body }: Asked): Promise<Told> {
  // A connection each: one kept alive is closed by the other side when this thread gets no turn for some seconds.
  const outgoing = request(dynamo.config.endpoint, { method: 'POST', headers, agent: false });
  outgoing.end(body);
  const [incoming] = await once(outgoing, 'response');
  return { statusCode: incoming.statusCode, headers: incoming.headers, body: await buffer(incoming) };
}

async function stop(): Promise<void> {
  await dynamo.stop();
  port.close();
}
