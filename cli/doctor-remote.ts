/** `entrepot doctor --remote`: one tiny file all the way, hop by hop, as a page would send it. */
import type { DestinationView } from '#core/wire/destination.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { ChunkTicket, CreateUploadAnswer } from '#core/wire/upload.ts';
import { type CheckLog, checkLog, within } from './check-log.ts';
import type { DoctorPorts } from './doctor.ts';
import type { Target } from './files.ts';
import { hasEnded } from './follow.ts';
import { formatMs } from './format.ts';
import { lookAt } from './hops.ts';
import { Problem } from './problem.ts';
import { openProbe, type SocketProbe } from './socket-probe.ts';

export interface RemoteDoctorPorts extends DoctorPorts {
  /** Absent: the only destination, or the first folder. */
  readonly target?: Target | undefined;
  readonly patience?: Patience;
}

/** How long each answer is waited for, in milliseconds. */
export interface Patience {
  readonly socketMs: number;
  /** From the put until somebody has noticed it. The sweep, which comes each minute, finds what no event told of. */
  readonly noticeMs: number;
  /** What took longer was found by the sweep. */
  readonly eventMs: number;
  readonly deliveryMs: number;
  /** How much later than a look the socket may tell the end. */
  readonly newsMs: number;
}

const PATIENCE: Patience = {
  socketMs: 15_000,
  noticeMs: 150_000,
  eventMs: 45_000,
  deliveryMs: 300_000,
  newsMs: 10_000,
};
const LOOK_MS = 500;
/** For some bytes. */
const BUCKET_MS = 30_000;

/** Answers how many checks failed. What needs a check that failed is left out; what was announced is given up in the end. */
export async function doctorRemote(ports: RemoteDoctorPorts): Promise<number> {
  const { client } = ports;
  const log = checkLog(ports);
  const server = async (): Promise<string> => {
    await client.healthy();
    return client.address.url;
  };
  if ((await log.check('server', server, lookAt('server'))) === null) return log.failures();
  const destinations = await log.find('token', () => listed(ports), lookAt('token'));
  if (destinations === null) return log.failures();
  const target = await log.find('destination', () => chosen(ports, destinations), lookAt('destination'));
  const probe = await log.find('socket', () => connected(ports), lookAt('socket'));
  try {
    if (target === null) log.leaveOut('round trip', 'there is no destination that takes files');
    else await roundTrip(ports, log, target, probe);
  } finally {
    probe?.close();
  }
  return log.failures();
}

async function roundTrip(
  ports: RemoteDoctorPorts,
  log: CheckLog,
  target: Target,
  probe: SocketProbe | null,
): Promise<void> {
  const stamp = new Date(ports.clock.now()).toISOString().replace(/[:.]/g, '-');
  const content = Buffer.from(`Entrepot delivered this file at ${stamp}, to see that it can.\n`);
  const file = { name: `entrepot-doctor-${stamp}.txt`, content };
  const answer = await log.find('announce', () => announced(ports, file, target), lookAt('announce'));
  if (answer === null) return;
  try {
    await followed(ports, log, answer, content, probe);
  } finally {
    await log.check('clean-up', () => cleanedUp(ports, answer), lookAt('clean-up'));
  }
}

/** From the put to the end, and what is told of it. */
async function followed(
  ports: RemoteDoctorPorts,
  log: CheckLog,
  { transfers, chunks }: CreateUploadAnswer,
  content: Uint8Array<ArrayBuffer>,
  probe: SocketProbe | null,
): Promise<void> {
  const [view] = transfers;
  const [ticket] = chunks;
  if (view === undefined || ticket === undefined) {
    throw new Problem('server.other_version', 'the announced file has no transfer, or nothing to put');
  }
  if ((await log.check('put', () => put(ports, ticket, content), lookAt('put'))) === null) return;
  await log.check('put by a page', () => preflighted(ports, ticket), lookAt('page'));
  const noticed = await log.find('event', () => notice(ports, view.id), lookAt('event'));
  if (noticed === null) return;
  if (noticed.elapsedMs > patienceOf(ports).eventMs)
    await log.check('promptness', () => swept(noticed), lookAt('event'));
  const arrived = await log.check('delivery', () => arrival(ports, view.id), lookAt('delivery'));
  if (probe === null) log.leaveOut('news', 'there is no socket');
  else if (arrived === null) log.leaveOut('news', 'there is no end to be told of');
  else await log.check('news', () => told(ports, probe, view.id), lookAt('news'));
}

async function listed({ client }: RemoteDoctorPorts) {
  const { items } = await client.destinations();
  return [items, `accepted, ${items.length} destination${items.length === 1 ? '' : 's'}`] as const;
}

async function chosen({ client, target }: RemoteDoctorPorts, destinations: readonly DestinationView[]) {
  const only = destinations.length === 1 ? destinations[0] : undefined;
  const first = only ?? destinations.find(({ provider }) => provider === 'folder');
  const one = target ?? (first === undefined ? undefined : { destinationId: first.id, folder: '/' });
  if (one === undefined) {
    const ids = destinations.map(({ id }) => id).join(', ');
    throw new Problem('destination.none', ids === '' ? 'there is none yet: add one' : `say which with --to: ${ids}`);
  }
  const { ok, code, message } = await client.check(one.destinationId);
  if (!ok) throw new Problem(code ?? 'destination.failed', message);
  return [one, `${one.destinationId}: ${message}`] as const;
}

async function connected(ports: RemoteDoctorPorts) {
  const probe = await within(
    ports,
    patienceOf(ports).socketMs,
    openProbe(ports.client),
    'no news from the progress socket',
  );
  const { transferCount: count } = probe;
  return [probe, `connected, ${count} transfer${count === 1 ? '' : 's'} in the snapshot`] as const;
}

async function announced(
  { client }: RemoteDoctorPorts,
  { name, content }: { readonly name: string; readonly content: Uint8Array },
  { destinationId, folder }: Target,
) {
  const answer = await client.announce(`doctor-${crypto.randomUUID()}`, {
    name,
    sizeBytes: content.byteLength,
    destinations: [{ id: destinationId, path: folder }],
  });
  return [answer, `${name} for ${destinationId}`] as const;
}

/** Tried once: a doctor who tries again and again sees no illness. */
async function put(ports: RemoteDoctorPorts, ticket: ChunkTicket, content: Uint8Array<ArrayBuffer>): Promise<string> {
  const { url, method, headers } = ticket;
  const response = await asked(ports, url, { method, headers, body: content });
  await response.body?.cancel();
  if (response.ok) return `${content.byteLength} bytes`;
  throw new Problem(`bucket.refused_${response.status}`, `the bucket answered ${response.status}`);
}

/** What a browser asks before it puts: whether the bucket lets pages of this server do so. */
async function preflighted(ports: RemoteDoctorPorts, { url, headers }: ChunkTicket): Promise<string> {
  const { origin } = new URL(ports.client.address.url);
  const response = await asked(ports, url, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'PUT',
      'access-control-request-headers': Object.keys(headers).join(','),
    },
  });
  await response.body?.cancel();
  const allowed = response.headers.get('access-control-allow-origin');
  if (response.ok && (allowed === '*' || allowed === origin)) return `allowed from ${origin}`;
  throw new Problem('bucket.cors', `the bucket does not let pages of ${origin} put`);
}

async function asked({ signal }: RemoteDoctorPorts, url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(BUCKET_MS)]) });
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'the connection broke';
    throw new Problem('bucket.unreachable', `the bucket's address does not answer: ${reason}`);
  }
}

async function notice(ports: RemoteDoctorPorts, id: string) {
  const startedAtMs = ports.clock.now();
  const isNoticed = ({ phase }: TransferView): boolean => phase !== 'staging';
  await seen(ports, id, patienceOf(ports).noticeMs, isNoticed, 'nobody has noticed the put');
  const elapsedMs = ports.clock.now() - startedAtMs;
  return [{ elapsedMs }, 'the delivery has begun'] as const;
}

async function swept({ elapsedMs }: { readonly elapsedMs: number }): Promise<string> {
  throw new Problem('event.swept', `no event told of the put: the sweep found it after ${formatMs(elapsedMs)}`);
}

async function arrival(ports: RemoteDoctorPorts, id: string): Promise<string> {
  const view = await seen(ports, id, patienceOf(ports).deliveryMs, hasEnded, 'the file has not arrived');
  if (view.error !== null) throw new Problem(view.error.code, view.error.message);
  if (view.receipt === null) throw new Problem('transfer.not_done', `the transfer ended as ${view.status}`);
  return `${view.receipt.sizeBytes} bytes at ${view.receipt.location}, evidence ${view.receipt.evidence}`;
}

async function told(ports: RemoteDoctorPorts, probe: SocketProbe, id: string): Promise<string> {
  const { newsMs } = patienceOf(ports);
  const { status } = await within(ports, newsMs, probe.ended(id), 'the socket has not told the end');
  return `the socket told ${status} too`;
}

/** Of a delivered file nothing is staged any more; it stays where it is, since a destination is never told to remove one. */
async function cleanedUp({ client }: RemoteDoctorPorts, { upload }: CreateUploadAnswer): Promise<string> {
  await client.removeUpload(upload.id);
  return 'nothing stays staged; what was delivered stays there';
}

/** Looks until it is so. Throws a Problem `doctor.too_late`. */
async function seen(
  { client, clock, signal }: RemoteDoctorPorts,
  id: string,
  ms: number,
  isSo: (view: TransferView) => boolean,
  late: string,
): Promise<TransferView> {
  const startedAtMs = clock.now();
  for (;;) {
    const view = await client.transfer(id);
    if (isSo(view)) return view;
    if (clock.now() - startedAtMs >= ms) throw new Problem('doctor.too_late', `${late} after ${formatMs(ms)}`);
    await clock.sleep(LOOK_MS, signal);
  }
}

function patienceOf({ patience }: RemoteDoctorPorts): Patience {
  return patience ?? PATIENCE;
}
