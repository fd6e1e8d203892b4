/** How the bytes of a part are wrapped: not at all, or with their CRC behind them. */
import type { Proof } from './session.ts';

export interface Frame {
  readonly head: string;
  tail(digest: string): string;
  /** Of head, bytes and tail together. */
  readonly lengthBytes: number;
  readonly headers: Readonly<Record<string, string>>;
}

const CRC_HEADER = 'x-amz-checksum-crc64nvme';
const CRC_CHARS = 12;

/** The payload itself is not signed: that would need it before the first byte is sent, and the store digests it anyway. */
export function frameFor(proof: Proof, sizeBytes: number): Frame {
  return proof === 'crc64nvme' ? withTrailer(sizeBytes) : plain(sizeBytes);
}

function plain(sizeBytes: number): Frame {
  const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
  return { head: '', tail: () => '', lengthBytes: sizeBytes, headers };
}

/** aws-chunked with the whole part as one chunk, so that the length is known and no byte is moved to make room for a frame. */
function withTrailer(sizeBytes: number): Frame {
  const head = `${sizeBytes.toString(16)}\r\n`;
  const tail = (digest: string) => `\r\n0\r\n${CRC_HEADER}:${digest}\r\n\r\n`;
  return {
    head,
    tail,
    lengthBytes: head.length + sizeBytes + tail('='.repeat(CRC_CHARS)).length,
    headers: {
      'content-encoding': 'aws-chunked',
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': String(sizeBytes),
      'x-amz-trailer': CRC_HEADER,
    },
  };
}
