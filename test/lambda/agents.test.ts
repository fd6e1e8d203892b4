/** Functions that deliver by way of agents: bundled functions, two relays and an agent as processes, on real sockets. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { s3Client } from '#clients/s3/client.ts';
import { HeadState } from '#core/state.ts';
import { OWNER } from '../../functions/owner.ts';
import { type AgentProcess, startAgent } from '../agent/process.ts';
import { type OwnBucket, ownBucket } from '../providers/s3/own-bucket.ts';
import { freePorts } from '../support/free-ports.ts';
import { type RecordingProxy, recordingProxy } from '../support/recording-proxy.ts';
import { type RunningRelay, startRelay } from '../support/relay.ts';
import { sha256, testBytes } from '../support/staging-client.ts';
import { api, type Cloud, cloud } from './cloud.ts';
import type { Lambda } from './lambda.ts';
import { type Role, roleOf } from './role.ts';

const MIB = 1024 * 1024;
const PART_BYTES = 5 * MIB;
const NAME = '长 片.mp4';
const LOOK_MS = 50;
let home: Cloud;
let store: OwnBucket;
let proxy: RecordingProxy;
let role: Role;
/** Functions post to the first; the agent dials the second. */
let relays: RunningRelay[] = [];
let startSecond: () => Promise<RunningRelay>;
let agent: AgentProcess;
let startOne: () => Promise<AgentProcess>;
let front: Lambda;
let rest: { readonly staged: Lambda; readonly move: Lambda; readonly sweep: Lambda };

beforeAll(async () => {
  home = await cloud();
  store = await ownBucket();
  proxy = await recordingProxy(store.endpoint);
  role = await roleOf('RelayTaskRole', home.services);
  const [portA = 0, portB = 0, agentsA = 0, agentsB = 0] = await freePorts(4);
  const relay = (port: number, agentPort: number) =>
    startRelay({
      ...home.variables,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_DYNAMODB: role.endpoints.dynamodb,
      AWS_ENDPOINT_URL_S3: role.endpoints.s3,
      AWS_ENDPOINT_URL_SQS: role.endpoints.sqs,
      ENTREPOT_SEAL_KEY: home.secrets.SealKey,
      ENTREPOT_PROGRESS_KEY: home.secrets.ProgressKey,
      ENTREPOT_TICKET_KEY: home.secrets.TicketKey,
      ENTREPOT_AGENT_KEY: home.secrets.AgentKey,
      ENTREPOT_AGENT_TOKEN_KEY: home.secrets.AgentTokenKey,
      ENTREPOT_DRAIN_SECONDS: '0',
      PORT: String(port),
      ENTREPOT_AGENT_PORT: String(agentPort),
      ENTREPOT_RELAY_ADDRESS: `http://127.0.0.1:${port}`,
    });
  startSecond = () => relay(portB, agentsB);
  relays = await Promise.all([relay(portA, agentsA), startSecond()]);
  startOne = async () => {
    const env = { AGENT_TOKEN: home.secrets.AgentKey };
    const started = startAgent({ url: `http://127.0.0.1:${agentsB}`, id: 'sz-1', env });
    await until(async () => (await agents())[0]?.bytes?.way === 'bucket');
    return started;
  };
  const env = { ENTREPOT_AGENTS: 'yes', ENTREPOT_RELAY_URL: `http://127.0.0.1:${portA}` };
  front = home.start('api', { env });
  rest = {
    staged: home.start('staged', { env }),
    move: home.start('move', { env }),
    sweep: home.start('sweep', { env }),
  };
  agent = await startOne();
  const { region, bucket, accessKeyId, secretAccessKey } = store;
  const made = await api(front, 'POST', '/api/v1/destinations', {
    id: 'far',
    provider: 's3',
    settings: { endpoint: proxy.url, region, bucket, partBytes: PART_BYTES },
    credentials: { accessKeyId, secretAccessKey },
    placement: { on: 'agents' },
  });
  expect(made).toMatchObject({ status: 201 });
});

afterAll(async () => {
  await agent?.stop('SIGKILL');
  await Promise.all(relays.map((relay) => relay.stop('SIGKILL')));
  await home?.[Symbol.asyncDispose]();
  await role?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
  await store?.[Symbol.asyncDispose]();
});

describe('agents of the AWS home', () => {
  test('a file goes its whole way: its calls over two relays, its bytes from the bucket, and no right more is needed', async () => {
    const { folder, bytes, transferId } = await announced(11 * MIB + 1);
    const end = home.poll(rest);
    await stage(transferId, bytes);
    expect(await untilDone(folder)).toMatchObject({ attempt: 1, failures: 0 });
    await end();
    expect(await delivered(folder)).toBe(sha256(bytes));
    await until(async () => (await agents())[0]?.filesDone === 1);
    expect(await agents()).toMatchObject([{ id: 'sz-1', status: 'online', address: '127.0.0.1', files: 0 }]);
    expect(agent.output()).toContain('"method":"put"');
    expect([...home.refused(), ...role.refused()]).toEqual([]);
    const { body: kinds } = await api(front, 'GET', '/api/v1/kinds');
    expect(kinds.items).toContainEqual({ id: 's3', placements: ['here', 'agents'] });
    const checked = await api(front, 'POST', '/api/v1/destinations/far/check');
    expect(checked.body).toMatchObject({ ok: true, message: expect.stringContaining('agent sz-1') });
  });

  test('a relay killed in mid-call, and an agent killed in mid-part, cost what was under way and no more', async () => {
    const { folder, bytes, transferId } = await announced(21 * MIB);
    const first = holdPart(2);
    const end = home.poll(rest);
    await stage(transferId, bytes);
    await first;
    await relays[1]?.stop('SIGKILL');
    // It did not arrive the first time, so it is sent again.
    const second = holdPart(2);
    relays[1] = await startSecond();
    await second;
    await agent.stop('SIGKILL');
    agent = await startOne();
    await untilDone(folder);
    await end();
    expect(await delivered(folder)).toBe(sha256(bytes));
  });

  test('an agent registers by HTTP as well, and is told of with the others; a task is assigned to one that can run it', async () => {
    const { body: wrong } = await api(front, 'POST', '/api/agent/register', { agent_id: 'bj-2' });
    expect(wrong).toMatchObject({ code: 401, data: { error: 'agent.wrong_key' } });
    const { body: made } = await api(front, 'POST', '/api/agent/register', { agent_id: 'bj-2' }, home.secrets.AgentKey);
    const beat = { agent_id: 'bj-2', memory_usage_mb: 64 };
    expect(await api(front, 'POST', '/api/agent/heartbeat', beat, made.data.token)).toMatchObject({ status: 200 });
    const { body: known } = await api(front, 'GET', '/api/manage/agents');
    const shown = known.data.agents.map(({ agent_id: id, ip_address: address }: any) => [id, address]);
    expect(shown.toSorted()).toEqual([
      ['bj-2', '192.0.2.1'],
      ['sz-1', '127.0.0.1'],
    ]);
    const { transferId } = await announced(1000);
    const assign = (agent: string) =>
      api(front, 'POST', '/api/manage/assign-task', { part_id: transferId, agent_id: agent });
    expect((await assign('bj-2')).body).toMatchObject({ code: 409, data: { error: 'agent.unfit' } });
    expect((await assign('sz-1')).body).toMatchObject({ code: 0, data: { task_id: transferId } });
    expect([...home.refused(), ...role.refused()]).toEqual([]);
  });

  test('who is revoked is cut off at once, by whichever relay has it, and may not come back', async () => {
    const { status, body } = await api(front, 'POST', '/api/v1/agents/sz-1/revoke');
    expect([status, body.status]).toEqual([200, 'revoked']);
    // Not before its next heartbeat otherwise, which is half a minute away.
    await agent.hasWritten(/agent\.revoked/);
  });

  test('no secret and no URL of a part is in what anybody wrote', () => {
    const written = [...relays.map((relay) => relay.output()), agent.output(), rest.move.logs(), front.logs()].join();
    for (const secret of [...Object.values(home.secrets), store.secretAccessKey, 'X-Amz-']) {
      expect(written).not.toContain(secret);
    }
  });
});

async function agents(): Promise<readonly any[]> {
  return (await api(front, 'GET', '/api/v1/agents')).body.items;
}

let files = 0;

/** To a folder of its own. */
async function announced(sizeBytes: number) {
  const folder = `folder-${++files}`;
  const { status, body } = await api(front, 'POST', '/api/v1/uploads', {
    name: NAME,
    sizeBytes,
    destinations: [{ id: 'far', path: `/${folder}` }],
  });
  expect(status).toBe(201);
  return { transferId: body.transfers[0].id as string, folder, bytes: testBytes(sizeBytes) };
}

async function stage(transferId: string, bytes: Buffer): Promise<void> {
  const { body: view } = await api(front, 'GET', `/api/v1/transfers/${transferId}`);
  const { body } = await api(front, 'GET', `/api/v1/uploads/${view.uploadId}`);
  const { chunkCount, chunkBytes } = body.upload;
  const numbers = Array.from({ length: chunkCount }, (_, i) => i + 1);
  const signed = await api(front, 'POST', `/api/v1/uploads/${view.uploadId}/sign`, { numbers });
  for (const { number, sizeBytes, url, headers } of signed.body.chunks) {
    const from = (number - 1) * chunkBytes;
    const put = { method: 'PUT', headers, body: new Uint8Array(bytes.subarray(from, from + sizeBytes)) };
    expect((await fetch(url, put)).status).toBe(200);
  }
}

/** The transfer to the folder, once it is done. */
async function untilDone(folder: string): Promise<HeadState> {
  let found: HeadState | undefined;
  await until(async () => {
    const rows = await home.table.owned(OWNER, { limit: 100 });
    found = rows.map(({ row }) => HeadState.parse(row.state)).find(({ file }) => file.folder === `/${folder}`);
    return found?.step.phase === 'done';
  });
  // It has been found by then.
  return found as HeadState;
}

/** Looks until it is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setTimeout(LOOK_MS);
}

/** Resolves when the part is put next, which is not answered and not passed on. */
function holdPart(number: number): Promise<void> {
  const reached = Promise.withResolvers<void>();
  let held: IncomingMessage | undefined;
  proxy.beforeNext(
    (request) => {
      if (request.method !== 'PUT' || !request.url?.includes(`partNumber=${number}&`)) return false;
      held = request;
      return true;
    },
    async () => {
      reached.resolve();
      const closed = held && once(held.socket, 'close');
      // Else nobody would see the connection end.
      held?.resume();
      await closed;
      throw new Error('not passed on');
    },
  );
  return reached.promise;
}

async function delivered(folder: string): Promise<string> {
  const client = s3Client(store);
  const { Body } = await client.send(new GetObjectCommand({ Bucket: store.bucket, Key: `${folder}/${NAME}` }));
  const bytes = await Body?.transformToByteArray();
  client.destroy();
  return sha256(bytes ?? new Uint8Array());
}
