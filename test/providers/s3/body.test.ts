import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { outgoingBody } from '#providers/s3/body.ts';
import { frameFor } from '#providers/s3/frame.ts';

const PIECES = ['one, ', 'two, ', 'three'];
const CONTENT = PIECES.join('');

/** A source that is never ready at once, as a socket is. */
async function* late(): AsyncGenerator<Uint8Array> {
  for (const piece of PIECES) {
    await turn();
    yield Buffer.from(piece);
  }
  await turn();
}

function counting() {
  const seen = { bytes: '', digests: 0 };
  const digester = {
    update: (piece: Uint8Array) => {
      seen.bytes += Buffer.from(piece).toString();
    },
    digest: () => {
      seen.digests++;
      return 'AAAAAAAAAAA=';
    },
  };
  return { seen, digester };
}

describe('a part on its way out', () => {
  it.each(['crc64nvme', 'md5'] as const)(
    'is framed, in order, and digested once, however late its bytes come: %s',
    async (proof) => {
      const { seen, digester } = counting();
      const frame = frameFor(proof, CONTENT.length);
      const part = { sizeBytes: CONTENT.length, open: async () => ReadableStream.from(late()) };
      const body = outgoingBody(part, frame, digester, () => {
        throw new Error('it failed');
      });
      let sent = '';
      body.stream.on('data', (piece: Buffer) => {
        sent += piece.toString();
      });
      await once(body.stream, 'end');
      expect(sent).toBe(`${frame.head}${CONTENT}${frame.tail('AAAAAAAAAAA=')}`);
      expect(sent).toHaveLength(frame.lengthBytes);
      expect(seen).toEqual({ bytes: CONTENT, digests: 1 });
      expect(body.failure()).toBeNull();
    },
  );
});
