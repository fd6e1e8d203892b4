/** A whole home and an agent beside it: a file is staged here and delivered from there, also when the agent is another one meanwhile. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OwnBucket, ownBucket } from '../providers/s3/own-bucket.ts';
import { s3Rig } from '../providers/s3/rig.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';
import { sha256, stageMissing, testBytes, untilEnded } from '../support/staging-client.ts';
import { type AgentProcess, startAgent } from './process.ts';

const MIB = 1024 * 1024;
const agents: AgentProcess[] = [];
let store: OwnBucket;
let home: ServerHome;
let server: RunningServer;
let env: Readonly<Record<string, string>>;
let url: string;

beforeAll(async () => {
  store = await ownBucket();
  home = await serverHome({ ENTREPOT_AGENT_PORT: '0' });
  server = await home.start();
  url = `http://127.0.0.1:${(await readFile(join(home.dataDir, 'agent-port'), 'utf8')).trim()}`;
  env = { AGENT_TOKEN: '', AGENT_TOKEN_FILE: join(home.dataDir, 'agent-key') };
});
afterAll(async () => {
  for (const agent of agents) await agent.stop('SIGKILL');
  await home?.cleanup();
  await store?.[Symbol.asyncDispose]();
});

async function attached(): Promise<AgentProcess> {
  const agent = startAgent({ url, id: 'living-room', env, flags: ['--tag', 'region=cn'] });
  agents.push(agent);
  await agent.hasWritten(/"agent.attached"/);
  return agent;
}

it('a file goes to a placed destination from its agent, whose place another process takes meanwhile', async () => {
  using rig = s3Rig(store);
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = store;
  const made = await server.api('POST', '/api/v1/destinations', {
    id: 'far',
    provider: 's3',
    settings: { endpoint, region, bucket, prefix: rig.prefix },
    credentials: { accessKeyId, secretAccessKey },
    placement: { on: 'agents', tags: { region: 'cn' } },
  });
  expect(made.status).toBe(201);
  const agent = await attached();

  const bytes = testBytes(24 * MIB);
  const announced = await server.api('POST', '/api/v1/uploads', {
    name: '影片.mkv',
    sizeBytes: bytes.length,
    destinations: [{ id: 'far', path: '/影视' }],
  });
  expect(announced.status).toBe(201);
  const { upload, transfers } = announced.body;
  await stageFirst(upload, bytes);
  await agent.hasWritten(/"agent.call".*"put"/);
  const again = await attached();
  expect(await agent.ended).toBe(3);
  await stageMissing(() => server, upload.id, bytes);
  const ended = await untilEnded(() => server, transfers[0].id);
  expect(ended).toMatchObject({ phase: 'done' });
  const arrived = await rig.read(rig.keyOf({ folder: '/影视', name: '影片.mkv' }));
  expect(sha256(arrived ?? new Uint8Array())).toBe(sha256(bytes));
  await again.hasWritten(/"agent.call".*"finish"/);

  await expectMeasured(bytes.length);
  const { body } = await server.api('GET', '/api/v1/agents');
  expect(body.items).toMatchObject([{ id: 'living-room', status: 'online', files: 0, bytes: { way: 'bucket' } }]);
  const revoked = await server.api('POST', '/api/v1/agents/living-room/revoke');
  expect(revoked.status).toBe(200);
  await again.hasWritten(/"agent.not_attached".*agent.revoked/);
  expect(again.output()).toMatch(/"agent.bucket","code":"reached"/);
  for (const written of [again.output(), server.errors()]) {
    expect(written).not.toContain(secretAccessKey);
    expect(written).not.toMatch(/x-amz-signature/i);
  }
});

/** As Prometheus would, with the owner's token. */
async function expectMeasured(sizeBytes: number): Promise<void> {
  expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
  // The end is told of after it is written down.
  let lines: readonly string[] = [];
  while (!lines.includes('entrepot_transfers_ended_total{status="success"} 1')) {
    const answer = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.token}` } });
    lines = (await answer.text()).split('\n');
  }
  for (const line of [
    `entrepot_moved_bytes_total{destination="far"} ${sizeBytes}`,
    'entrepot_agents{status="online"} 1',
    'entrepot_due_rows{queue="begun#far"} 0',
    'entrepot_sockets 0',
  ]) {
    expect(lines).toContain(line);
  }
  // A part whose answer was lost with the first process is found there, and not sent by the second.
  for (const pattern of [
    /^entrepot_agent_sent_bytes_total\{agent="living-room"\} \d+$/,
    /^process_cpu_seconds_total \d/,
  ]) {
    expect(lines).toEqual(expect.arrayContaining([expect.stringMatching(pattern)]));
  }
  expect((await server.api('GET', '/api/v1/alerts')).body).toEqual({ items: [] });
  const key = (await readFile(join(home.dataDir, 'agent-key'), 'utf8')).trim();
  const registered = await fetch(`${server.url}/api/agent/register`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ agent_id: 'living-room', agent_name: 'Living room', tags: { region: 'cn' } }),
  });
  expect(await registered.json()).toMatchObject({ code: 0, data: { agent_id: 'living-room' } });
}

/** So that there is a middle. */
async function stageFirst(upload: { readonly id: string; readonly chunkBytes: number }, bytes: Buffer): Promise<void> {
  const { body } = await server.api('POST', `/api/v1/uploads/${upload.id}/sign`, { numbers: [1] });
  const [{ url, headers }] = body.chunks;
  const chunk = new Uint8Array(bytes.subarray(0, upload.chunkBytes));
  expect((await fetch(url, { method: 'PUT', headers, body: chunk })).status).toBe(200);
}
