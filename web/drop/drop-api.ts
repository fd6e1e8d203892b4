/** What whoever has a link may ask of the server. */
import { type CreateDropUpload, DropView, SENDER_HEADER } from '#core/wire/link.ts';
import { apiCall } from '../upload/http.ts';
import { type NewUpload, type UploadApi, uploadApi } from '../upload/upload-api.ts';

export interface DropApi extends UploadApi {
  readDrop(signal?: AbortSignal): Promise<DropView>;
}

export interface DropApiOptions {
  /** Origin of the API; empty for the page's own. */
  readonly origin: string;
  readonly secret: string;
  readonly sender: string;
  /** Called for each 401: the link was revoked, or never was. */
  readonly onRefused: () => void;
}

export function dropApi({ origin, secret, sender, onRefused }: DropApiOptions): DropApi {
  const call = apiCall({ origin, token: () => secret, headers: { [SENDER_HEADER]: sender }, onRefused });
  return {
    ...uploadApi(call, '/api/v1/drop/uploads', createBody),
    readDrop: (signal) => call('GET', '/api/v1/drop', DropView, { signal }),
  };
}

/** Where it goes is the link's business; only the folder it was dropped with is told. */
function createBody({ name, sizeBytes, contentType, folder, destinations }: NewUpload): CreateDropUpload {
  const senderName = destinations[0]?.sender;
  return {
    name,
    sizeBytes,
    ...(contentType ? { contentType } : {}),
    ...(senderName ? { senderName } : {}),
    folder: `/${folder}`,
  };
}
