/** A form with a file at its end, streamed, that is never whole unless the bytes are those that were announced. */
import { createHash, randomBytes } from 'node:crypto';
import type { SizedBody } from '#clients/sized-body.ts';
import { Fault } from '#core/fault.ts';

export interface FormFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Of the whole file, lower-case hex. */
  readonly sha1: string;
  open(): Promise<ReadableStream<Uint8Array>>;
}

export interface Form {
  readonly contentType: string;
  /** One piece of the file per pull. */
  readonly body: SizedBody;
  /** What the file's own stream failed with, or the Fault of bytes that are not the announced ones; null: it has not failed. */
  failure(): unknown;
  /** Its last byte was handed over: whoever receives it may have it all, also when no answer comes. */
  isWhole(): boolean;
  /** Lets go of the file's stream, however far it was read. */
  close(): void;
}

/**
 * The line that ends the form is handed over when size and SHA-1 are right, so that of other bytes the receiver has no form. The
 * stream fails with Fault `transient` `pan115.short_body` for another size, `rejected` `pan115.digest_mismatch` for another SHA-1.
 */
export async function formWith(fields: Readonly<Record<string, string>>, file: FormFile): Promise<Form> {
  const boundary = `entrepot-${randomBytes(18).toString('hex')}`;
  const head = Buffer.from(headOf(boundary, fields, file.name));
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const sha1 = createHash('sha1');
  const source = (await file.open()).getReader();
  let readBytes = 0;
  let failure: unknown = null;
  let isWhole = false;
  let isClosed = false;

  const next = async (): Promise<Uint8Array> => {
    const { done, value } = await source.read();
    if (!done) {
      readBytes += value.byteLength;
      if (readBytes > file.sizeBytes) throw otherSize(file.sizeBytes);
      sha1.update(value);
      return value;
    }
    if (readBytes !== file.sizeBytes) throw otherSize(file.sizeBytes);
    if (sha1.digest('hex') !== file.sha1) throw otherBytes();
    isWhole = true;
    return tail;
  };

  const close = (): void => {
    isClosed = true;
    source.cancel().catch(metElsewhere);
  };
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(head),
      pull: async (controller) => {
        try {
          controller.enqueue(await next());
          if (isWhole) controller.close();
        } catch (error) {
          // What ends early because nobody reads on has not failed.
          if (!isClosed) failure = error;
          throw error;
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
  const sizeBytes = head.byteLength + file.sizeBytes + tail.byteLength;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: { sizeBytes, stream },
    failure: () => failure,
    isWhole: () => isWhole,
    close,
  };
}

function headOf(boundary: string, fields: Readonly<Record<string, string>>, fileName: string): string {
  const texts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const disposition = `content-disposition: form-data; name="file"; filename="${quoted(fileName)}"`;
  return `${texts.join('')}--${boundary}\r\n${disposition}\r\ncontent-type: application/octet-stream\r\n\r\n`;
}

/** As browsers write it. */
function quoted(name: string): string {
  return name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22');
}

function otherSize(sizeBytes: number): Fault {
  return new Fault('transient', 'pan115.short_body', `the source does not have exactly ${sizeBytes} bytes`);
}

function otherBytes(): Fault {
  const text = 'the staged bytes do not have the sha1 that was announced: the file was changed while it was hashed';
  return new Fault('rejected', 'pan115.digest_mismatch', `${text}, send it again`);
}

/** A source that fails once more while it is given up. */
function metElsewhere(): void {}
