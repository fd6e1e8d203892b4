/** Uploads through the open platform: the announcement, the keys to the bucket, and a fresh callback for what was left lying. */
import { type OssToken, OssTokenData, ossTokenOf } from '../oss-token.ts';
import {
  type Announcement,
  type InitAnswer,
  InitData,
  initAnswer,
  ResumeData,
  targetOf,
  ticketOf,
  type UploadTicket,
} from '../upload.ts';
import type { OpenApi } from './api.ts';

/** Announces a file. The digest is believed until the callback: a wrong one is found out at the end only. */
export async function initUpload(api: OpenApi, file: Announcement, signal: AbortSignal): Promise<InitAnswer> {
  const data = await api.call(
    {
      method: 'POST',
      path: '/open/upload/init',
      fields: {
        file_name: file.name,
        file_size: file.sizeBytes,
        target: targetOf(file.folderId),
        fileid: file.sha1.toUpperCase(),
        preid: file.preHash,
        topupload: 0,
        sign_key: file.signature?.signKey,
        sign_val: file.signature?.signVal,
      },
      schema: InitData,
    },
    signal,
  );
  return initAnswer(data);
}

/** Keys for an hour. */
export async function ossToken(api: OpenApi, signal: AbortSignal): Promise<OssToken> {
  return ossTokenOf(await api.call({ method: 'GET', path: '/open/upload/get_token', schema: OssTokenData }, signal));
}

/** A fresh callback for an upload that was begun; whose `object` is another one must begin anew. Fault `gone` when 115 forgot it. */
export async function resumeUpload(
  api: OpenApi,
  upload: Pick<Announcement, 'sizeBytes' | 'folderId' | 'sha1'> & { readonly pickCode: string },
  signal: AbortSignal,
): Promise<UploadTicket> {
  const data = await api.call(
    {
      method: 'POST',
      path: '/open/upload/resume',
      fields: {
        file_size: upload.sizeBytes,
        target: targetOf(upload.folderId),
        fileid: upload.sha1.toUpperCase(),
        pick_code: upload.pickCode,
      },
      schema: ResumeData,
    },
    signal,
  );
  return ticketOf(data);
}
