/** Answers what never became a request, or stopped in the middle of being one. */
import type { Duplex } from 'node:stream';
import { requestId } from './request.ts';
import { errorDocument } from './xml.ts';

export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Bytes of an answer may already be out, in which case a second status line would become part of its body.
  const wasAnswering = 'bytesWritten' in socket && Number(socket.bytesWritten) > 0;
  if (!socket.writable || wasAnswering || error.code === 'ECONNRESET') {
    socket.destroy(error);
    return;
  }
  const [status, code, message] = explain(error.code);
  const xml = errorDocument([
    ['Code', code],
    ['Message', message],
    ['RequestId', requestId()],
  ]);
  const head = [
    `HTTP/1.1 ${status}`,
    'content-type: application/xml',
    `content-length: ${Buffer.byteLength(xml)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${xml}`);
}

function explain(code: string | undefined): [status: string, code: string, message: string] {
  switch (code) {
    case 'HPE_INVALID_EOF_STATE':
      return ['400 Bad Request', 'IncompleteBody', 'The connection ended before the announced end of the request.'];
    case 'HPE_HEADER_OVERFLOW':
      return ['431 Request Header Fields Too Large', 'RequestHeaderSectionTooLarge', 'The headers are too large.'];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['408 Request Timeout', 'RequestTimeout', 'The headers did not arrive in time.'];
    default:
      return ['400 Bad Request', 'BadRequest', 'The request could not be parsed.'];
  }
}
