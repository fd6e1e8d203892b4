/**
 * The images, without a container engine: their Dockerfiles are read and judged, their lines are done in plain directories, and
 * what comes of it is started, asked how it is, used and stopped as a container would be.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBucket } from '#adapters/bucket/server.ts';
import { AgentId } from '#core/wire/agent.ts';
import { KEY, startHome } from '../agent/rig.ts';
import { checkCall } from '../contract/agents-rig.ts';
import { expectFault } from '../contract/expect-fault.ts';
import { ctx } from '../contract/push-rig.ts';
import { startDynalite } from '../support/dynalite.ts';
import { freePorts } from '../support/free-ports.ts';
import { readCompose } from './compose.ts';
import { readContext } from './context.ts';
import { parseDockerfile } from './dockerfile.ts';
import { type Built, type PlainBuilder, plainBuilder } from './plain-build.ts';
import { complaints, filesInImage } from './rules.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const context = readContext(ROOT);
/** What is there beside modules. */
const OTHERS = /^(LICENSE|package\.json|proto\/\w+\.proto|[\w/-]+\.mjs)$/;
const stagesOf = async (path: string) => parseDockerfile(await readFile(join(ROOT, path), 'utf8'));

describe.each(['Dockerfile', 'relay/Dockerfile'])('%s', (path) => {
  it('is pinned, runs as nobody special, hears signals, and takes nothing secret and no tests along', async () => {
    const stages = await stagesOf(path);
    expect(complaints(stages, context)).toEqual([]);
    const files = filesInImage(stages, context);
    expect(files).toContain('core/transfer/advance.ts');
    expect(files).toContain('proto/clouddrive.proto');
    expect(files.filter((file) => /(^|\/)test|\.test\.|\.env|(?<!\.ts)$/.test(file) && !OTHERS.test(file))).toEqual([]);
  });

  it.each([
    ['24.21.0-bookworm-slim AS build', 'latest AS build', /not pinned/],
    ['USER 1000:1000', 'USER root', /the user must be/],
    ['COPY core core', 'COPY . .', /whatever there is/],
    ['COPY core core', 'COPY test test', /no source: test/],
    ['COPY core core', 'COPY core/gone core', /no source/],
    ['ENV NODE_ENV=production', 'ENV ENTREPOT_TOKEN=abc', /holds a secret/],
    [/CMD \["node", "--max.*/, 'CMD npm start', /in a shell/],
    [/CMD \["node", "relay\/probe.*/, 'CMD ["curl", "localhost"]', /not in the image/],
  ])('would not pass with %s as %s', async (from, to, complaint) => {
    const source = (await readFile(join(ROOT, path), 'utf8')).replace(from, to);
    expect(complaints(parseDockerfile(source), context).join('\n')).toMatch(complaint);
  });
});

describe('agent/Dockerfile', () => {
  it('is pinned, runs as nobody special, hears signals, and takes along what it needs and nothing else', async () => {
    const stages = await stagesOf('agent/Dockerfile');
    expect(complaints(stages, context)).toEqual([]);
    const files = filesInImage(stages, context);
    expect(files).toEqual(['LICENSE', 'proto/agent.proto', 'proto/clouddrive.proto', 'agent/probe.mjs']);
  });
});

describe('what the lines of the Dockerfiles make', () => {
  let into: string;
  let builder: PlainBuilder;

  beforeAll(async () => {
    into = await mkdtemp(join(tmpdir(), 'entrepot-images-'));
    builder = await plainBuilder({
      context,
      into,
      // The packages that build page and agent are those of this checkout, which the same line has brought.
      instead: async ({ name }, { word, text }, directory) => {
        if (!['page', 'bundle'].includes(name) || word !== 'RUN' || !text.startsWith('npm install')) return false;
        await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
        return true;
      },
    });
  });
  afterAll(() => rm(into, { recursive: true, force: true }));

  async function ended(command: readonly string[], image: Built, env: Readonly<Record<string, string>>) {
    const child = builder.start(image, command, env);
    const [code] = await once(child, 'close');
    return code;
  }

  /** Starts the image's own command. Resolves when a line says so; rejects with what it wrote when it ends before. */
  async function up(image: Built, env: Readonly<Record<string, string>>, isReady: (line: string) => boolean) {
    const child = builder.start(image, image.command, env);
    let output = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const closed = once(child, 'close');
    if (child.stdout === null) throw new Error('the process has no stdout');
    const lines = createInterface({ input: child.stdout });
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        output += `${line}\n`;
        if (isReady(line)) resolve();
      });
      closed.then(([code]) => reject(new Error(`the container ended with ${code}: ${output}`)));
    });
    return {
      probe: () => ended(image.probe, image, env),
      output: () => output,
      stop: async (): Promise<number | null> => {
        child.kill('SIGTERM');
        await closed;
        return child.exitCode;
      },
    };
  }

  it('the all-in-one image serves, delivers, is well while it runs, and ends by SIGTERM with 0', async () => {
    const image = await builder.build(await stagesOf('Dockerfile'));
    const [port, bucketPort] = (await freePorts(2)).map(String);
    if (port === undefined || bucketPort === undefined) throw new Error('no free ports');
    const env = { HOST: '127.0.0.1', PORT: port, BUCKET_PORT: bucketPort };
    const server = await up(image, env, (line) => line.startsWith('Entrepot ready'));
    expect(await server.probe()).toBe(0);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain('<div id="root">');

    const bytes = randomBytes(100_000);
    await writeFile(join(image.root, 'film.mkv'), bytes);
    const put = ['node', 'cli/entrepot.mjs', 'put', '/film.mkv', '--to', 'folder/films', '--watch'];
    expect(
      await ended(
        put.map((word) => word.replace(/^\//, `${image.root}/`)),
        image,
        env,
      ),
    ).toBe(0);
    expect((await readFile(join(image.root, 'data/delivered/films/film.mkv'))).equals(bytes)).toBe(true);

    expect(await server.stop()).toBe(0);
    expect(await server.probe()).toBe(1);
    const token = (await readFile(join(image.root, 'data/token'), 'utf8')).trim();
    expect(server.output()).not.toContain(token);
    expect(await readdir(join(image.root, 'app'))).not.toContain('.entrepot');
  });

  it('the all-in-one image makes keys for a store, and stages there with the keys in files', async () => {
    const image = await builder.build(await stagesOf('Dockerfile'));
    const { keys, entrepot } = readCompose(join(ROOT, 'compose.store.yaml')).services;
    const command = keys?.command?.map((word) => (word === '/keys' ? join(image.root, 'keys') : word)) ?? [];
    expect(await ended(command, image, {})).toBe(0);
    const made = await readFile(join(image.root, 'keys/seaweedfs.json'), 'utf8');
    expect(await ended(command, image, {})).toBe(0);
    expect(await readFile(join(image.root, 'keys/seaweedfs.json'), 'utf8')).toBe(made);

    // SeaweedFS cannot be had here: our own bucket plays it, with the keys that it would have read.
    const { name, credentials, actions } = JSON.parse(made).identities[0];
    expect([name, actions]).toEqual(['entrepot', ['Read:entrepot', 'Write:entrepot', 'List:entrepot']]);
    const [{ accessKey, secretKey }] = credentials;
    const store = await startBucket({
      dataDir: join(into, 'store'),
      host: '127.0.0.1',
      port: 0,
      bucket: 'entrepot',
      region: 'us-east-1',
      credentials: [{ accessKeyId: accessKey, secretAccessKey: secretKey }],
      allowedOrigins: '*',
    });
    const [port] = (await freePorts(1)).map(String);
    const env = {
      ...entrepot?.environment,
      HOST: '127.0.0.1',
      PORT: port ?? '',
      ENTREPOT_DATA: '/data-beside-a-store',
      ENTREPOT_S3_ENDPOINT: store.url,
      ENTREPOT_PUBLIC_BUCKET_URL: store.url,
    };
    await mkdir(join(image.root, env.ENTREPOT_DATA));
    await chmod(join(image.root, env.ENTREPOT_DATA), 0o777);
    const server = await up(image, env, (line) => line.startsWith('Entrepot ready'));
    expect(server.output()).not.toMatch(new RegExp(`${accessKey}|${secretKey}`));
    await writeFile(join(image.root, 'small.txt'), 'small');
    const put = ['node', 'cli/entrepot.mjs', 'put', join(image.root, 'small.txt'), '--to', 'folder', '--watch'];
    expect(await ended(put, image, env)).toBe(0);
    expect(store.stats().puts).toBeGreaterThan(0);
    expect(await server.stop()).toBe(0);
    await store.close();
  });

  it('the relay image starts with what a container is given, is well, and ends by SIGTERM with 0', async () => {
    const image = await builder.build(await stagesOf('relay/Dockerfile'));
    // It is built for arm64 on machines of any kind.
    const packages = await readdir(join(image.root, 'app/node_modules'), { recursive: true });
    expect(packages.filter((file) => file.endsWith('.node'))).toEqual([]);
    const dynamo = await startDynalite();
    const [port] = (await freePorts(1)).map(String);
    if (port === undefined) throw new Error('no free port');
    const env = {
      PORT: port,
      HOST: '127.0.0.1',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'a-key',
      AWS_SECRET_ACCESS_KEY: 'a-secret',
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.config.endpoint,
      ENTREPOT_TABLE: await dynamo.createTable(),
      ENTREPOT_BUCKET: 'staged',
      ENTREPOT_HINTS_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/123456789012/hints',
      ENTREPOT_SEAL_KEY: randomBytes(32).toString('base64'),
      ENTREPOT_PROGRESS_KEY: randomBytes(24).toString('hex'),
      ENTREPOT_TICKET_KEY: randomBytes(24).toString('hex'),
    };
    const relay = await up(image, env, (line) => line.includes('"relay.started"'));
    expect(await relay.probe()).toBe(0);
    expect(await relay.stop()).toBe(0);
    expect(await relay.probe()).toBe(1);
    await dynamo.stop();
  });

  it('the agent image has no packages, is taken by a home, is well while the home answers, and ends by SIGTERM with 0', async () => {
    const image = await builder.build(await stagesOf('agent/Dockerfile'));
    expect((await readdir(join(image.root, 'app'))).sort()).toEqual(['LICENSE', 'agent', 'proto']);
    expect((await readdir(join(image.root, 'app/agent'))).sort()).toEqual(['dist', 'probe.mjs']);
    await using home = await startHome();
    const env = { SERVER_URL: `http://127.0.0.1:${home.port}`, AGENT_ID: 'boxed', AGENT_TOKEN: KEY };
    expect(await ended(image.probe, image, env)).toBe(1);
    await mkdir(join(image.root, 'dev/shm'), { recursive: true });
    await chmod(join(image.root, 'dev/shm'), 0o777);
    const agent = await up(image, env, (line) => line.includes('"agent.attached"'));
    await home.until(() => (home.server.agents.attached()[0]?.memoryBytes ?? null) !== null);
    // It asks the agent itself, to whom the answer to its heartbeat goes before this.
    const call = home.server.agents.call(AgentId.parse('boxed'), checkCall({ provider: 's3' }), ctx);
    await expectFault('rejected', 'agent.settings_refused', call);
    expect(await agent.probe()).toBe(0);
    expect(agent.output()).not.toContain(KEY);
    expect(await agent.stop()).toBe(0);
  });
});
