/** `entrepot doctor`: everything on the way of a file, tried once. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '#core/ports/clock.ts';
import type { DestinationView } from '#core/wire/destination.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { CreateUploadAnswer } from '#core/wire/upload.ts';
import { announceFile } from './announce.ts';
import { type CheckLog, checkLog, within } from './check-log.ts';
import type { Client } from './client.ts';
import { openFeed } from './feed.ts';
import { follow } from './follow.ts';
import { openLocalFile } from './local-file.ts';
import { Problem } from './problem.ts';
import { keepAliveAgents } from './put-chunk.ts';
import { sendChunks } from './send-chunks.ts';
import { slots } from './slots.ts';
import type { Terminal } from './terminal.ts';

export interface DoctorPorts {
  readonly client: Client;
  readonly clock: Clock;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** A small file has no reason to take longer. */
const DELIVERY_MS = 60_000;
const SOCKET_MS = 10_000;

/** Answers how many checks failed. A check that needs one that failed is left out. */
export async function doctor(ports: DoctorPorts): Promise<number> {
  const { client } = ports;
  const log = checkLog(ports);
  const server = await log.check('server', async () => {
    await client.healthy();
    return client.address.url;
  });
  if (server === null) return log.failures();
  let destinations: readonly DestinationView[] = [];
  const token = await log.check('token', async () => {
    destinations = (await client.destinations()).items;
    return `accepted, ${destinations.length} destination${destinations.length === 1 ? '' : 's'}`;
  });
  if (token === null) return log.failures();
  await log.check('socket', () => firstNews(ports));
  const folder = destinations.find(({ provider }) => provider === 'folder');
  if (folder === undefined) log.leaveOut('round trip', 'no destination is a folder');
  else await roundTrip(ports, log, folder.id);
  for (const { id, provider } of destinations) {
    await log.check(`destination ${id}`, async () => {
      const { ok, code, message } = await client.check(id);
      if (!ok) throw new Problem(code ?? 'destination.failed', message);
      return `${provider}: ${message}`;
    });
  }
  return log.failures();
}

/** A file of a few bytes, by presigned put, by the bucket's event, to the folder: each step with its time. */
async function roundTrip(ports: DoctorPorts, log: CheckLog, destinationId: string): Promise<void> {
  const { client, clock, signal } = ports;
  const stamp = new Date(clock.now()).toISOString().replace(/[:.]/g, '-');
  const name = `entrepot-doctor-${stamp}.txt`;
  const directory = await mkdtemp(join(tmpdir(), 'entrepot-doctor-'));
  const path = join(directory, name);
  const agents = keepAliveAgents();
  const heard = new Map<string, TransferView>();
  const follower = follow({ client, clock, signal, scope: 'awaited', onView: (view) => heard.set(view.id, view) });
  try {
    await writeFile(path, `Entrepot delivered this file at ${stamp}, to see that it can.\n`);
    const file = await openLocalFile(path);
    try {
      const job = { path, name, targets: [{ destinationId, folder: '/' }] };
      const announced: CreateUploadAnswer[] = [];
      await log.check('announce', async () => {
        announced.push(await announceFile(client, { job, file, digests: {}, again: stamp }));
        return `${name} for ${destinationId}`;
      });
      const answer = announced[0];
      const view = answer?.transfers[0];
      if (answer === undefined || view === undefined) return;
      const ended = follower.untilEnded(view);
      const put = await log.check('presigned put', async () => {
        const missing = answer.chunks.map(({ number }) => number);
        const sending = { file, upload: answer.upload, missing, tickets: answer.chunks, onBytes: () => undefined };
        const sentBytes = await sendChunks({ client, clock, agents, slots: slots(1), signal }, sending);
        return `${sentBytes} bytes`;
      });
      if (put !== null) await log.check('delivery', () => delivered(ports, ended));
    } finally {
      await file.close();
    }
  } finally {
    follower.close();
    agents.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function delivered(ports: DoctorPorts, ended: Promise<TransferView>): Promise<string> {
  const view = await within(ports, DELIVERY_MS, ended, 'the file has not arrived');
  if (view.error !== null) throw new Problem(view.error.code, view.error.message);
  if (view.receipt === null) throw new Problem('transfer.not_done', `the transfer ended as ${view.status}`);
  return `${view.receipt.sizeBytes} bytes at ${view.receipt.location}, evidence ${view.receipt.evidence}`;
}

/** The socket tells a snapshot as soon as it is open. */
async function firstNews(ports: DoctorPorts): Promise<string> {
  const { client, clock } = ports;
  const { promise, resolve } = Promise.withResolvers<number>();
  const feed = openFeed({ client, clock, onViews: (views) => resolve(views.length) });
  try {
    const count = await within(ports, SOCKET_MS, promise, 'no news from the progress socket');
    return `connected, ${count} transfer${count === 1 ? '' : 's'} in the snapshot`;
  } finally {
    feed.close();
  }
}
