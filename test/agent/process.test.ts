/** An agent as somebody runs it: a process that dials out, through which files go to a bucket and to a folder. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#adapters/system/clock.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import { AgentId } from '#core/wire/agent.ts';
import { folderKind } from '#providers/folder/provider.ts';
import { s3Kind } from '#providers/s3/provider.ts';
import { bucketDoor } from '../../agent/bucket-door.ts';
import { agentServer } from '../../relay/agents/server.ts';
import { checkCall, connectionTo, ID } from '../contract/agents-rig.ts';
import { expectFault } from '../contract/expect-fault.ts';
import { pushProviderContract } from '../contract/provider-push.contract.ts';
import {
  bytesOf,
  ctx,
  finish,
  itemOf,
  type Opened,
  openFor,
  put,
  putAll,
  sha256,
  stalledPart,
} from '../contract/push-rig.ts';
import { folderRig } from '../providers/folder/rig.ts';
import { ownBucket } from '../providers/s3/own-bucket.ts';
import { s3Rig } from '../providers/s3/rig.ts';
import { havePrograms } from '../support/apt.ts';
import { NO_STORE } from '../support/no-store.ts';
import { type AgentProcess, startAgent } from './process.ts';
import { type Home, KEY, openBook, startHome, throughAgent } from './rig.ts';

const MIB = 1024 * 1024;
let folder: string;
let home: Home;
const agents: AgentProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-agent-'));
  home = await startHome();
});
afterAll(async () => {
  for (const agent of agents) await agent.stop('SIGKILL');
  await home[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function start(more: Partial<Parameters<typeof startAgent>[0]> = {}): AgentProcess {
  const agent = startAgent({ url: `http://127.0.0.1:${home.port}`, ...more });
  agents.push(agent);
  return agent;
}

async function attached(more: Parameters<typeof start>[0] = {}): Promise<AgentProcess> {
  const agent = start(more);
  await agent.hasWritten(/"agent.attached"/);
  return agent;
}

const isAway = (id: string) => () => home.server.agents.attached().every(({ facts }) => facts.id !== id);

function folderAt(id: string, root: string): PushProvider {
  const connection = connectionTo({ provider: 'folder', settings: { root, onConflict: 'rename' }, staging: NO_STORE });
  return throughAgent(home.server.agents, AgentId.parse(id), folderKind, connection);
}

describe('through a process', () => {
  beforeAll(async () => {
    await attached({ id: 'contract-1', flags: ['--provider', 'folder'] });
  });
  pushProviderContract({
    name: 'folder at an agent',
    make: async () => {
      const rig = await folderRig();
      const failing = async () => {
        await writeFile(join(rig.root, 'a file'), '');
        return { provider: folderAt('contract-1', join(rig.root, 'a file')), kind: 'rejected' } as const;
      };
      const subject = { ...rig, provider: () => folderAt('contract-1', rig.root), failing };
      return { subject, cleanup: async () => rig[Symbol.asyncDispose]() };
    },
  });
});

it('a file goes through to a bucket byte for byte; the agent listens on nothing and writes nothing to a disk', async () => {
  await using store = await ownBucket();
  using rig = s3Rig(store);
  const cwd = join(folder, 'cwd');
  await mkdir(cwd);
  const agent = await attached({ cwd, env: { HOME: cwd, TMPDIR: cwd } });
  const connection = connectionTo({
    provider: 's3',
    settings: { endpoint: store.endpoint, region: store.region, bucket: store.bucket, prefix: rig.prefix },
    staging: NO_STORE,
    credentials: {
      read: async () => ({ accessKeyId: store.accessKeyId, secretAccessKey: store.secretAccessKey }),
      rotate: () => Promise.reject(new Error('keys of a bucket are not rotated')),
    },
  });
  const provider = throughAgent(home.server.agents, ID, s3Kind, connection);
  const content = bytesOf(17 * MIB + 5);
  const opened = await openFor(provider, await itemOf(provider, content), content, rig.partBytes);
  const before = await writtenBytes(agent);
  const { receipt, item } = await finish(opened, await putAll(opened));
  expect(receipt).toMatchObject({ sizeBytes: content.byteLength, evidence: 'A' });
  expect(sha256((await rig.readBack(item)) ?? new Uint8Array())).toBe(sha256(content));

  expect(await listening(agent)).toEqual([]);
  expect(await readdir(cwd)).toEqual([]);
  // Its log goes through a pipe, which the kernel counts too.
  expect((await writtenBytes(agent)) - before).toBeLessThan(MIB);
  expect(await openFiles(agent)).toEqual([]);
  expect(agent.output()).not.toContain(KEY);
  expect(agent.output()).not.toContain(store.secretAccessKey);
  expect(await agent.stop()).toBe(0);
  await home.until(isAway('sz-1'));
});

it('an agent killed in the middle of a part loses that call, and another one carries on with the session', async () => {
  const root = join(folder, 'root');
  await mkdir(root);
  const first = await attached({ id: 'first', flags: ['--provider', 'folder'] });
  await attached({ id: 'second', flags: ['--provider', 'folder'] });
  const content = bytesOf(1_000_000);
  const here = folderAt('first', root);
  const opened = await openFor(here, await itemOf(here, content), content, 200_000);
  const receipts = [await put(opened, 1)];
  const { part, stalled, canceled } = stalledPart(opened, 2);
  const lost = expectFault('transient', 'agent.lost', here.put(opened.session, opened.item, part, ctx));
  await stalled;
  await first.stop('SIGKILL');
  await lost;
  await canceled;
  await expectFault('transient', 'agent.away', put(opened, 2));

  const there: Opened = { ...opened, provider: folderAt('second', root) };
  for (const number of [2, 3, 4, 5]) receipts.push(await put(there, number));
  await finish(there, receipts);
  expect(Buffer.compare(await readFile(join(root, opened.item.name)), content)).toBe(0);
});

it('of two processes of one id the older one ends, says why, and does not come back', async () => {
  const older = await attached({ id: 'twin' });
  await attached({ id: 'twin', flags: ['--agent-name', 'newer', '--tag', 'region=华南', '--max-concurrent', '5'] });
  expect(await older.ended).toBe(3);
  expect(older.output()).toMatch(/another one has come with its id, twin/);
  const view = home.server.agents.attached().find(({ facts }) => facts.id === 'twin');
  expect(view?.facts).toMatchObject({ name: 'newer', tags: { region: '华南' }, filesMax: 5, bandwidthMbps: 100 });
  expect(view?.facts.providers).not.toContain('folder');
  expect(view?.facts.providers).toContain('s3');
});

it('an agent that is told to end gives up what is under way, and ends with 0', async () => {
  const agent = await attached({ id: 'ending', flags: ['--provider', 'folder'] });
  const root = join(folder, 'ending');
  await mkdir(root);
  const provider = folderAt('ending', root);
  const content = bytesOf(300_000);
  const opened = await openFor(provider, await itemOf(provider, content), content, 200_000);
  const { part, stalled } = stalledPart(opened, 1);
  const call = expectFault('transient', 'agent.ending', provider.put(opened.session, opened.item, part, ctx));
  await stalled;
  const ended = agent.stop();
  await call;
  expect(await ended).toBe(0);
});

it('with a wrong key it ends, says so, and tells nobody the key', async () => {
  const agent = start({ id: 'stranger', env: { AGENT_TOKEN: 'a-wrong-key-that-is-secret' } });
  expect(await agent.ended).toBe(2);
  expect(agent.output()).toMatch(/the home has another key/);
  expect(agent.output()).not.toContain('a-wrong-key-that-is-secret');
});

it('it comes back by itself to a home that was away', async () => {
  const parts = { clock: systemClock(), key: KEY, book: openBook, onError: () => {} };
  const before = agentServer({ ...parts, tokenSecret: 'before' });
  const port = await before.listen({ port: 0, security: 'loopback' });
  const alive = join(folder, 'alive');
  const agent = await attached({ id: 'faithful', url: `http://127.0.0.1:${port}`, env: { AGENT_ALIVE_FILE: alive } });
  await before.close();
  await agent.hasWritten(/"agent.left".*closing/);
  // Another secret: its token is worth nothing any more.
  const after = agentServer({ ...parts, tokenSecret: 'after' });
  await after.listen({ port, security: 'loopback' });
  await home.until(() => (after.agents.attached()[0]?.memoryBytes ?? null) !== null);
  // The answer to its heartbeat goes before this.
  const call = after.agents.call(AgentId.parse('faithful'), checkCall({ provider: 's3' }), ctx);
  await expectFault('rejected', 'agent.settings_refused', call);
  expect(Number(await readFile(alive, 'utf8'))).toBeGreaterThan(0);
  expect(await agent.stop()).toBe(0);
  await after.close();
});

const haveOpenssl = await havePrograms({
  purpose: 'test of TLS of agents',
  binaries: ['openssl'],
  packages: ['openssl'],
});

it.runIf(haveOpenssl)(
  'over TLS it trusts the authority that it was given, and no home or bucket otherwise',
  async () => {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject];
    execFileSync('openssl', [...made, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
    const server = agentServer({
      clock: systemClock(),
      key: KEY,
      tokenSecret: 'secret',
      book: openBook,
      onError: () => {},
    });
    const security = { certificate: await readFile(certificate), key: await readFile(key) };
    const port = await server.listen({ port: 0, security });
    const url = `https://localhost:${port}`;
    const token = join(folder, 'token');
    await writeFile(token, `${KEY}\n`);
    await chmod(token, 0o600);
    const trusting = start({
      id: 'trusting',
      url,
      env: { SERVER_CA: certificate, AGENT_TOKEN: '', AGENT_TOKEN_FILE: token },
    });
    const doubting = start({ id: 'doubting', url });
    await trusting.hasWritten(/"agent.attached"/);
    await doubting.hasWritten(/"agent.not_attached".*agent.lost/);
    expect(server.agents.attached().map(({ facts }) => facts.id)).toEqual(['trusting']);
    expect(await trusting.stop()).toBe(0);
    expect(await doubting.stop()).toBe(0);
    await server.close();

    const bucket = createServer({ cert: security.certificate, key: security.key }, (_request, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-1/2' }).end('ab');
    });
    bucket.listen(0, 'localhost');
    await once(bucket, 'listening');
    const link = { url: `https://localhost:${(bucket.address() as AddressInfo).port}/`, headers: {}, sizeBytes: 2 };
    const [knowing, other] = [bucketDoor({ authority: security.certificate }), bucketDoor('tls')];
    expect(await (await knowing.read(link, ctx.signal)).next()).toEqual(Buffer.from('ab'));
    await expectFault('transient', 'agent.bucket_unreached', other.read(link, ctx.signal));
    for (const door of [knowing, other]) door.close();
    bucket.closeAllConnections();
    bucket.close();
  },
);

async function descriptors({ process: { pid } }: AgentProcess): Promise<readonly string[]> {
  const names = await readdir(`/proc/${pid}/fd`);
  return Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
}

/** Sockets of this process that listen, by what the kernel says of all. */
async function listening(agent: AgentProcess): Promise<readonly string[]> {
  const own = new Set((await descriptors(agent)).flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
  expect(own.size).toBeGreaterThan(0);
  const tables = ['tcp', 'tcp6', 'udp', 'udp6'].map((name) =>
    readFile(`/proc/${agent.process.pid}/net/${name}`, 'utf8').catch(() => ''),
  );
  const rows = (await Promise.all(tables)).flatMap((table) => table.split('\n').slice(1));
  // Of TCP 0A is LISTEN; a socket of UDP that takes from anybody is 07.
  return rows.filter((row) => {
    const [, , , state = '', , , , , , inode = ''] = row.trim().split(/\s+/);
    return own.has(inode) && (state === '0A' || state === '07');
  });
}

/** Regular files that it holds open, wherever they are. */
async function openFiles(agent: AgentProcess): Promise<readonly string[]> {
  return (await descriptors(agent)).filter((target) => target.startsWith('/') && !target.startsWith('/dev/'));
}

async function writtenBytes({ process: { pid } }: AgentProcess): Promise<number> {
  return Number(/^write_bytes: (\d+)$/m.exec(await readFile(`/proc/${pid}/io`, 'utf8'))?.[1]);
}
