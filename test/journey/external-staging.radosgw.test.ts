/** radosgw as staging: a bucket nobody has prepared, pages that may put into it, and events that it pushes. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { PutBucketNotificationConfigurationCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { s3Client } from '#clients/s3/client.ts';
import { radosgwAt } from '../support/radosgw.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';
import { sha256, stageMissing, testBytes, untilEnded } from '../support/staging-client.ts';

const MIB = 1024 * 1024;
const BUCKET = 'entrepot-staging';
const address = inject('radosgw');

describe.skipIf(address === null)('radosgw as staging', () => {
  let home: ServerHome;
  let server: RunningServer;
  let client: S3Client;

  beforeAll(async () => {
    if (address === null) return;
    await radosgwAt(address).makeBucket(BUCKET);
    client = s3Client(address);
    home = await serverHome({
      ENTREPOT_S3_ENDPOINT: address.endpoint,
      ENTREPOT_S3_REGION: address.region,
      ENTREPOT_S3_BUCKET: BUCKET,
      ENTREPOT_S3_ACCESS_KEY_ID: address.accessKeyId,
      ENTREPOT_S3_SECRET_ACCESS_KEY: address.secretAccessKey,
    });
    server = await home.start();
  });
  afterAll(async () => {
    await home?.cleanup();
    client?.destroy();
  });

  const put = (key: string, Body: Uint8Array) => client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body }));
  const untilDelivered = async (name: string): Promise<Buffer> => {
    for (;;) {
      const { body } = await server.api('GET', '/api/v1/transfers?limit=200');
      const view = body.items.find((item: any) => item.name === name && item.phase === 'done');
      if (view) return readFile(join(home.dataDir, 'delivered', view.path, name));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  it('says what it cannot do, and pages may put into a bucket that had no rules', async () => {
    expect(server.errors()).toBe(
      'Entrepot warns: the bucket ignores "If-Match" on removals: delivered objects stay in inbox/ until you remove them\n',
    );
    const asked = { name: 'any.bin', sizeBytes: 5, destinations: [{ id: 'folder' }] };
    const { body } = await server.api('POST', '/api/v1/uploads', asked);
    const preflight = await fetch(body.chunks[0].url, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://console.example',
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'if-none-match',
      },
    });
    expect(preflight.status).toBe(200);
    expect(preflight.headers.get('access-control-allow-origin')).toMatch(/^(\*|https:\/\/console\.example)$/);
    const page = { ...body.chunks[0].headers, origin: 'https://console.example' };
    const putChunk = () => fetch(body.chunks[0].url, { method: 'PUT', headers: page, body: 'bytes' });
    for (const status of [200, 412]) {
      const answer = await putChunk();
      expect(answer.status).toBe(status);
      expect(answer.headers.get('access-control-allow-origin')).toMatch(/^(\*|https:\/\/console\.example)$/);
    }
  });

  it('uploads and inbox objects are found by looking, and arrive byte for byte', async () => {
    const upload = testBytes(25 * MIB + 7);
    const object = testBytes(3 * MIB + 1);
    const asked = { name: 'chunks.bin', sizeBytes: upload.byteLength, destinations: [{ id: 'folder' }] };
    const { body } = await server.api('POST', '/api/v1/uploads', asked);
    const ended = untilEnded(() => server, body.transfers[0].id);
    await put('inbox/folder/影 视/a+b%20c.bin', object);
    await stageMissing(() => server, body.upload.id, upload);
    expect(await ended).toMatchObject({ phase: 'done', attempt: 1 });
    expect(sha256(await untilDelivered('chunks.bin'))).toBe(sha256(upload));
    expect(sha256(await untilDelivered('a+b%20c.bin'))).toBe(sha256(object));
  });

  it('its events are taken, whose keys are not encoded, and an object that is told and found is one delivery', async () => {
    if (address === null) return;
    const token = (await readFile(join(home.dataDir, 'events-token'), 'utf8')).trim();
    await using between = await forwarder(`${server.url}/api/v1/events/s3/${token}`);
    const { accessKeyId, secretAccessKey, region, endpoint } = address;
    const sns = new AwsClient({ accessKeyId, secretAccessKey, region, service: 'sns' });
    const answer = await sns.fetch(`${endpoint}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        Action: 'CreateTopic',
        Name: 'entrepot',
        'Attributes.entry.1.key': 'push-endpoint',
        'Attributes.entry.1.value': between.url,
      }).toString(),
    });
    const topic = /<TopicArn>([^<]+)</.exec(await answer.text())?.[1];
    expect(topic).toBeDefined();
    await client.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: BUCKET,
        NotificationConfiguration: {
          TopicConfigurations: [{ Id: 'entrepot', TopicArn: topic, Events: ['s3:ObjectCreated:*'] }],
        },
      }),
    );
    const names = ['plain.bin', 'with two  spaces.bin', 'a+b%20c%2B.bin', '测试 文件.bin', '100%.bin'];
    for (const name of names) await put(`inbox/folder/told/${name}`, Buffer.from(name));
    for (const name of names) expect(String(await untilDelivered(name))).toBe(name);
    // radosgw waits for its event to be taken before it answers a put.
    expect(between.heard()).toEqual(names.map(() => [202, expect.stringMatching(/^\{"accepted":[12],"ignored":0\}$/)]));
    // What is lost is found, on a walk that sees the others too, with the times that a LIST gives them.
    between.lose();
    await put('inbox/folder/z/found.bin', Buffer.from('found'));
    expect(String(await untilDelivered('found.bin'))).toBe('found');
    expect(between.heard()).toHaveLength(names.length);
    const { body } = await server.api('GET', '/api/v1/transfers?limit=200');
    expect(body.items.filter((view: any) => view.path === '/told')).toHaveLength(names.length);
  });
});

/** Passes each request on and keeps its answer: what was delivered may have been told, or found. */
async function forwarder(to: string) {
  const heard: [status: number, text: string][] = [];
  let isLosing = false;
  const between = createServer(async (request, response) => {
    if (isLosing) return response.end();
    const answer = await fetch(to, { method: 'POST', body: await text(request) });
    heard.push([answer.status, await answer.text()]);
    response.writeHead(answer.status).end();
  }).listen(0, '127.0.0.1');
  await once(between, 'listening');
  const address = between.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    heard: () => heard,
    lose: () => {
      isLosing = true;
    },
    [Symbol.asyncDispose]: async () => {
      between.closeAllConnections();
      between.close();
    },
  };
}
