/** The peer of the embedded bucket, in a process of its own: bodies to files and back, nothing verified. Prints its URL. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const [, , directory = '', ...wanted] = process.argv;
const isSynced = wanted.includes('sync');
const isHashed = wanted.includes('md5');

const READ_BYTES = 256 * 1024;

const server = createServer((request, response) => {
  const path = join(directory, (request.url ?? '/').slice(1).replaceAll('/', '_'));
  const work = request.method === 'PUT' ? take(request, path) : give(request, response, path);
  work.then(
    () => response.end(),
    () => response.destroy(),
  );
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});

async function take(request: IncomingMessage, path: string): Promise<void> {
  const hash = createHash('md5');
  if (isHashed) request.on('data', (bytes: Buffer) => hash.update(bytes));
  await pipeline(request, createWriteStream(path, { flush: isSynced }));
  if (isSynced) await syncFolder();
}

async function give(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  response.writeHead(206);
  const bytes = createReadStream(path, { start: Number(start), end: Number(end), highWaterMark: READ_BYTES });
  await pipeline(bytes, response, { end: false });
}

async function syncFolder(): Promise<void> {
  const folder = await open(directory, 'r');
  await folder.sync();
  await folder.close();
}
