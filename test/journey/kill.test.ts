/** Real `kill -9` at a dozen random points between the first chunk and the last receipt. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFailed, test } from 'vitest';
import { type RunningServer, serverHome } from '../support/server.ts';
import { sha256, stageMissing, testBytes, untilEnded } from '../support/staging-client.ts';

const KILLS = 12;
const SIZE_BYTES = 96 * 1024 * 1024 + 321;

test('a file arrives once and intact though the server is killed twelve times on the way', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  onTestFailed(() => {
    process.stderr.write(`rerun with SEED=${seed}\n`);
  });
  const random = seeded(seed);
  // Slow enough that kills fall into staging, moving and finishing.
  const home = await serverHome({ ENTREPOT_BUCKET_LIMIT: String(30 * 1024 * 1024) });
  try {
    const bytes = testBytes(SIZE_BYTES);
    let server: RunningServer = await home.start();
    const created = await server.api('POST', '/api/v1/uploads', {
      name: '长 片.mp4',
      sizeBytes: SIZE_BYTES,
      destinations: [{ id: 'folder', path: '/影视' }],
    });
    const uploadId: string = created.body.upload.id;
    const transferId: string = created.body.transfers[0].id;

    let isStaged = false;
    const staging = (async () => {
      while (!isStaged) {
        try {
          await stageMissing(() => server, uploadId, bytes);
          isStaged = true;
        } catch {
          // The server is dead just now: the next round asks what is missing.
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    })();
    for (let kill = 0; kill < KILLS; kill++) {
      await new Promise((resolve) => setTimeout(resolve, 100 + random() * 700));
      await server.stop('SIGKILL');
      server = await home.start();
    }
    await staging;
    const view = await untilEnded(() => server, transferId);

    expect(view).toMatchObject({ phase: 'done', movedBytes: SIZE_BYTES });
    const folder = join(home.dataDir, 'delivered', '影视');
    expect(await readdir(folder)).toEqual(['长 片.mp4']);
    expect(sha256(await readFile(join(folder, '长 片.mp4')))).toBe(sha256(bytes));
    expect(await server.stop('SIGTERM')).toBe(0);
  } finally {
    await home.cleanup();
  }
});

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
