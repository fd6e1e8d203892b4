/** A file that comes as multipart/form-data, read as it arrives. */
import { S3Error } from '#adapters/bucket/errors.ts';
import { type Form, formBoundary, openForm } from '#adapters/bucket/form-data.ts';
import { Fault } from '#core/fault.ts';

export interface FileForm {
  /** Lower-case names. What comes after the file is refused. */
  readonly fields: ReadonlyMap<string, string>;
  /** As the client named the file, and its type. */
  readonly fileName: string | undefined;
  readonly contentType: string | undefined;
  readonly file: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** Reads up to the file. Fault `rejected` `request.invalid`, also later when the form ends in the middle of the file. */
export async function openFileForm(request: Request): Promise<FileForm> {
  const boundary = formBoundary(request.headers.get('content-type') ?? undefined);
  if (boundary === undefined || request.body === null) throw invalid('the body is no multipart/form-data');
  const form = await openForm(boundary, buffers(request.body)).catch(raise);
  const parameter = (pattern: RegExp) => pattern.exec(form.fileHead)?.[1];
  const fileName = parameter(/^content-disposition:[^\r\n]*?\bfilename="((?:[^"\\\r\n]|\\.)*)"/im);
  return {
    fields: form.fields,
    fileName: fileName === undefined ? undefined : unescaped(fileName),
    contentType: parameter(/^content-type:[ \t]*([^\r\n]+?)[ \t]*$/im),
    file: bytesOf(form),
    close: form.close,
  };
}

async function* bytesOf({ file }: Form): AsyncGenerator<Uint8Array> {
  try {
    yield* file;
  } catch (error) {
    raise(error);
  }
}

async function* buffers(body: ReadableStream<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const bytes of body) yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Browsers write a quote as `%22`, curl as `\"`. */
function unescaped(fileName: string): string {
  return fileName.replaceAll('%22', '"').replaceAll(/\\(["\\])/g, '$1');
}

function raise(error: unknown): never {
  if (error instanceof S3Error) throw invalid(`the form is not as it should be (${error.code})`);
  throw error;
}

function invalid(message: string): Fault {
  return new Fault('rejected', 'request.invalid', message);
}
