/** Answers a page with a file input, and throws away what is sent to it, from any origin. Prints its URL. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'PUT, POST',
  'access-control-allow-headers': '*',
  'access-control-max-age': '7200',
};

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(200, { ...CORS, 'content-type': 'text/html' });
    response.end(request.method === 'GET' ? '<!doctype html><input type="file" id="file">' : undefined);
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
