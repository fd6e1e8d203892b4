/** Two relays as processes on one Redis, which speaks TLS and lets them do what they need and no more. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { httpProgressSink } from '#adapters/http-progress/sink.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { ServerFrame } from '#core/wire/socket.ts';
import { signedTicketOffice } from '../../relay/signed-tickets.ts';
import { type LocalDynamo, startDynalite } from '../support/dynalite.ts';
import { startRedis } from '../support/redis.ts';
import { type RunningRelay, startRelay } from '../support/relay.ts';
import { movedView } from './views.ts';

const OWNER = 'local';
const secrets = {
  ENTREPOT_SEAL_KEY: randomBytes(32).toString('base64'),
  ENTREPOT_PROGRESS_KEY: randomBytes(24).toString('hex'),
  ENTREPOT_TICKET_KEY: randomBytes(24).toString('hex'),
};
const clock = systemClock();
const tickets = signedTicketOffice({ clock, randomBytes, secret: secrets.ENTREPOT_TICKET_KEY });
const password = randomBytes(12).toString('hex');
/** As docs/self-hosting.md has it. */
const RIGHTS = 'resetchannels &entrepot:* ~entrepot:* +hello +auth +ping +publish +subscribe +set';
const redis = await startRedis({ tls: true, more: [`user relay on >${password} ${RIGHTS}`] });

describe.runIf(redis !== null)('two relays', () => {
  let dynamo: LocalDynamo;
  let relays: readonly RunningRelay[] = [];
  const sockets: WebSocket[] = [];

  beforeAll(async () => {
    dynamo = await startDynalite();
    const env = {
      ...secrets,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'AKRELAY',
      AWS_SECRET_ACCESS_KEY: 'the-secret-of-the-relay',
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.config.endpoint,
      ENTREPOT_TABLE: await dynamo.createTable(),
      ENTREPOT_BUCKET: 'staged',
      ENTREPOT_HINTS_QUEUE_URL: 'http://127.0.0.1:9/nobody/hints',
      ENTREPOT_DRAIN_SECONDS: '0',
      ENTREPOT_REDIS_URL: `rediss://relay:${password}@127.0.0.1:${redis?.port}`,
      NODE_EXTRA_CA_CERTS: redis?.caFile ?? '',
    };
    relays = await Promise.all([startRelay(env), startRelay(env)]);
    await Promise.all(relays.map((relay) => relay.hasWritten(/redis\.there/)));
  });

  afterAll(async () => {
    for (const socket of sockets) socket.terminate();
    for (const relay of relays) await relay.stop('SIGKILL');
    await redis?.[Symbol.asyncDispose]();
    await dynamo.stop();
  });

  function viewer({ url }: RunningRelay, { ticket } = tickets.issue(OWNER)) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, ['entrepot.v1', `ticket.${ticket}`]);
    sockets.push(socket);
    socket.on('error', () => undefined);
    const frames: ServerFrame[] = [];
    socket.on('message', (data) => {
      frames.push(ServerFrame.parse(JSON.parse(String(data))));
      socket.emit('frame');
    });
    async function hears(isWanted: (frame: ServerFrame) => boolean): Promise<void> {
      while (!frames.some(isWanted)) await once(socket, 'frame');
    }
    return { socket, hears };
  }

  const isSnapshot = ({ event }: ServerFrame) => event === 'snapshot';
  const moved = (bytes: number) => (frame: ServerFrame) =>
    frame.event === 'changes' && frame.data.transfers.some(({ movedBytes }) => movedBytes === bytes);

  it('a post to one reaches viewers of both; a ticket used at one is refused at the other; each works without Redis', async () => {
    const [a, b] = relays;
    if (a === undefined || b === undefined) throw new Error('there are not two relays');
    const used = tickets.issue(OWNER);
    const atA = viewer(a, used);
    const atB = viewer(b);
    await Promise.all([atA.hears(isSnapshot), atB.hears(isSnapshot)]);
    const [, { statusCode }] = await once(viewer(b, used).socket, 'unexpected-response');
    expect(statusCode).toBe(401);

    const sink = httpProgressSink({
      url: `${a.url}/internal/progress`,
      secret: secrets.ENTREPOT_PROGRESS_KEY,
      clock,
    });
    const view = movedView(1, 2);
    await sink.publish([{ kind: 'transfer', ownerId: OWNER, view }]);
    await Promise.all([atA.hears(moved(view.movedBytes)), atB.hears(moved(view.movedBytes))]);

    await redis?.kill();
    await Promise.all(relays.map((relay) => relay.hasWritten(/redis\.away/)));
    const alone = viewer(a);
    await alone.hears(isSnapshot);
    const later = movedView(1, 3);
    await sink.publish([{ kind: 'transfer', ownerId: OWNER, view: later }]);
    await Promise.all([atA.hears(moved(later.movedBytes)), alone.hears(moved(later.movedBytes))]);
    expect((await fetch(`${b.url}/healthz`)).status).toBe(200);

    await redis?.start();
    await Promise.all(relays.map((relay) => relay.hasWritten(/redis\.away[\s\S]*redis\.there/)));
    const last = movedView(1, 4);
    await sink.publish([{ kind: 'transfer', ownerId: OWNER, view: last }]);
    await atB.hears(moved(last.movedBytes));
    for (const relay of relays) {
      expect(await relay.stop()).toBe(0);
      for (const secret of [...Object.values(secrets), password]) {
        expect(relay.output()).not.toContain(secret);
      }
    }
  });

  it('an address of Redis that is none is refused at the start, and not quoted', async () => {
    const start = startRelay({ ...secrets, ENTREPOT_REDIS_URL: 'https://:hush-hush@redis.example' });
    await expect(start).rejects.toThrow('ENTREPOT_REDIS_URL: is not like rediss://');
    await expect(start).rejects.not.toThrow('hush-hush');
  });
});
