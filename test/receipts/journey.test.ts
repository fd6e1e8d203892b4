/** From the delivery to somebody who has the receipt, the key and a file, and no server. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bucket, startBucket } from '#adapters/bucket/server.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { command } from '../cli/command.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';

const KEYS = { accessKeyId: 'AKIDTHERE', secretAccessKey: 'a secret of somewhere else' };
const THERE = { region: 'eu-central-1', bucket: 'there', forcePathStyle: true };

let home: ServerHome;
let server: RunningServer;
let store: Bucket;
let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-receipts-'));
  store = await startBucket({
    ...{ dataDir: at('store'), host: '127.0.0.1', port: 0, bucket: THERE.bucket, region: THERE.region },
    credentials: [KEYS],
    allowedOrigins: '*',
  });
  home = await serverHome();
  server = await home.start();
});

afterAll(async () => {
  await home.cleanup();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const entrepot = (...args: readonly string[]) =>
  command(args, { env: { ENTREPOT_DATA: home.dataDir }, clock: systemClock() });

async function put(path: string, ...args: readonly string[]): Promise<string> {
  const { code, out, errors } = await entrepot('put', path, '--watch', ...args);
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  return /trf_\w{26}/.exec(out)?.[0] ?? '';
}

describe('a receipt that was taken away', () => {
  it('proves the file when the server is gone, by what the store told or by what the home computed', async () => {
    const settings = { endpoint: store.url, ...THERE };
    const destination = { id: 'there', provider: 's3', settings, credentials: KEYS };
    expect((await server.api('POST', '/api/v1/destinations', destination)).status).toBe(201);
    const [told, computed] = [at('told.bin'), at('computed.bin')];
    await writeFile(told, randomBytes(11 * 1024 * 1024));
    await writeFile(computed, 'short');
    const ids = [await put(told, '--to', 'there/影视'), await put(computed, '--to', 'folder', '--digest', 'sha256')];
    const receipts = [at('told.json'), at('computed.json')];
    for (const [index, path] of receipts.entries()) {
      expect((await entrepot('receipt', ids[index] ?? '', '-o', path)).code).toBe(0);
    }
    expect((await entrepot('receipt-key', '-o', at('key.json'))).code).toBe(0);
    await server.stop();

    const [store64, folder256] = await Promise.all(
      receipts.map(async (path) => JSON.parse(await readFile(path, 'utf8'))),
    );
    expect(store64.receipt).toMatchObject({
      destination: { id: 'there', kind: 's3', location: 's3://there/影视/told.bin' },
      evidence: { grade: 'A', checkedBy: 'crc64nvme' },
      digests: [{ algorithm: 'crc64nvme', from: ['destination'] }],
    });
    expect(folder256.receipt).toMatchObject({
      evidence: { grade: 'C' },
      digests: [{ algorithm: 'sha256', from: ['client', 'staged'] }],
    });
    for (const [index, file] of [told, computed].entries()) {
      const verify = () => entrepot('verify', receipts[index] ?? '', file, '--key', at('key.json'));
      expect(await verify()).toMatchObject({ code: 0, errors: '' });
      const bytes = await readFile(file);
      bytes[3] = (bytes[3] ?? 0) ^ 1;
      await writeFile(file, bytes);
      const after = await verify();
      expect(after.code).toBe(1);
      expect(after.events.filter(({ ok }) => ok === false)).toMatchObject([{ code: 'file.digest_differs' }]);
    }
  });
});
