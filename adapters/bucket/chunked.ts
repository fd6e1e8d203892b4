/**
 * Decodes aws-chunked bodies, the framing inside the HTTP body:
 *
 *   hex-size[;chunk-signature=hex] CRLF data CRLF … 0[;chunk-signature=hex] CRLF [trailer:value CRLF …] CRLF
 *
 * Data is passed on as slices, without copying. With a signature chain every chunk is verified once its last byte was
 * seen, so a consumer holds unverified bytes until the generator has ended, and must not commit before that.
 */
import { createHash } from 'node:crypto';
import type { Signature } from './authenticate.ts';
import { S3Error } from './errors.ts';
import { chunkSignature, sameSignature, trailerSignature } from './sigv4.ts';

export interface Framing {
  /** The request's signature when chunks are chained to it; absent when they carry none. */
  readonly chain: Signature | undefined;
  /** Whether trailers follow the last chunk. */
  readonly trailers: 'none' | 'expected';
}

/** Yields the payload, then returns the trailers by lower-case name. */
export async function* decodeChunks(
  source: AsyncIterable<Buffer>,
  framing: Framing,
): AsyncGenerator<Buffer, ReadonlyMap<string, string>> {
  const input = pull(source);
  try {
    let previous = framing.chain?.hex ?? '';
    let sizeBytes = -1;
    while (sizeBytes !== 0) {
      const head = parseHead(await input.line(), framing.chain !== undefined);
      sizeBytes = head.sizeBytes;
      const hash = framing.chain && createHash('sha256');
      for (let left = sizeBytes; left > 0; ) {
        const piece = await input.some(left);
        hash?.update(piece);
        left -= piece.length;
        yield piece;
      }
      if (framing.chain && hash) {
        const { key, scope, amzDate } = framing.chain;
        const expected = chunkSignature(key, scope, amzDate, previous, hash.digest('hex'));
        if (!sameSignature(expected, head.signature)) throw new S3Error('SignatureDoesNotMatch');
        previous = expected;
      }
      if (sizeBytes > 0 && (await input.line()) !== '') throw new S3Error('InvalidChunkSizeError');
    }
    const trailers = await readTrailers(input, framing, previous);
    await input.end();
    return trailers;
  } finally {
    await input.release();
  }
}

type Input = ReturnType<typeof pull>;

/** `10000000;chunk-signature=` and 64 digits are 90 characters; trailers with a SHA-256 value stay under 120. */
const LINE_BYTES_MAX = 512;
const TRAILERS_MAX = 8;

function parseHead(line: string, isSigned: boolean): { sizeBytes: number; signature: string } {
  const [, size = '', signature = ''] = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line) ?? [];
  if (size === '' || (isSigned && signature === '')) throw new S3Error('InvalidChunkSizeError');
  return { sizeBytes: Number.parseInt(size, 16), signature };
}

async function readTrailers(input: Input, framing: Framing, previous: string): Promise<ReadonlyMap<string, string>> {
  const trailers = new Map<string, string>();
  for (let line = await input.line(); line !== ''; line = await input.line()) {
    const [, name, value] = /^([A-Za-z0-9-]+):(.*)$/.exec(line) ?? [];
    const isAllowed = framing.trailers === 'expected' && trailers.size < TRAILERS_MAX;
    if (!isAllowed || name === undefined || value === undefined) throw new S3Error('MalformedTrailerError');
    trailers.set(name.toLowerCase(), value.trim());
  }
  if (framing.chain && framing.trailers === 'expected') {
    const given = trailers.get('x-amz-trailer-signature') ?? '';
    trailers.delete('x-amz-trailer-signature');
    const { key, scope, amzDate } = framing.chain;
    const text = [...trailers].map(([name, value]) => `${name}:${value}\n`).join('');
    if (!sameSignature(trailerSignature(key, scope, amzDate, previous, text), given)) {
      throw new S3Error('SignatureDoesNotMatch');
    }
  }
  return trailers;
}

function pull(source: AsyncIterable<Buffer>) {
  const iterator = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);

  async function more(): Promise<void> {
    const next = await iterator.next();
    if (next.done) throw new S3Error('IncompleteBody');
    rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
  }

  return {
    /** Up to the next CRLF, without it. */
    async line(): Promise<string> {
      for (;;) {
        const end = rest.indexOf('\r\n');
        if (end > LINE_BYTES_MAX || (end === -1 && rest.length > LINE_BYTES_MAX))
          throw new S3Error('InvalidChunkSizeError');
        if (end !== -1) {
          const text = rest.toString('latin1', 0, end);
          rest = rest.subarray(end + 2);
          return text;
        }
        await more();
      }
    },
    /** Between 1 and `bytesMax` bytes. */
    async some(bytesMax: number): Promise<Buffer> {
      while (rest.length === 0) await more();
      const piece = rest.subarray(0, bytesMax);
      rest = rest.subarray(piece.length);
      return piece;
    },
    /** Throws IncompleteBody unless the source ends here. */
    async end(): Promise<void> {
      if (rest.length > 0 || !(await iterator.next()).done) throw new S3Error('IncompleteBody');
    },
    async release(): Promise<void> {
      await iterator.return?.();
    },
  };
}
