/** An account's drive, whichever way in the login opens. */
import type { CookieAccount } from '#clients/pan115/cookie/api.ts';
import * as cookieFiles from '#clients/pan115/cookie/files.ts';
import { initSample, type SampleTicket } from '#clients/pan115/cookie/sample.ts';
import * as cookieUpload from '#clients/pan115/cookie/upload.ts';
import type { Entry, Space } from '#clients/pan115/entries.ts';
import type { OpenApi } from '#clients/pan115/open/api.ts';
import * as openFiles from '#clients/pan115/open/files.ts';
import * as openUpload from '#clients/pan115/open/upload.ts';
import type { OssToken } from '#clients/pan115/oss-token.ts';
import type { Announcement, InitAnswer, UploadTicket } from '#clients/pan115/upload.ts';
import { Fault } from '#core/fault.ts';

export interface Drive {
  /** Whether 115 looks at the SHA-1 of the first 128 KiB. */
  readonly wantsPreHash: boolean;
  ensureFolder(path: string, signal: AbortSignal): Promise<string>;
  entriesNamed(
    place: { readonly folderId: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<readonly Entry[]>;
  announce(file: Announcement, signal: AbortSignal): Promise<InitAnswer>;
  resume(
    upload: Pick<Announcement, 'sizeBytes' | 'folderId' | 'sha1'> & { readonly pickCode: string },
    signal: AbortSignal,
  ): Promise<UploadTicket>;
  ossToken(signal: AbortSignal): Promise<OssToken>;
  space(signal: AbortSignal): Promise<Space>;
  /** For a form that holds a whole file. Null: this way in takes none. */
  readonly sampleTicket:
    | ((file: Pick<Announcement, 'name' | 'sizeBytes' | 'folderId'>, signal: AbortSignal) => Promise<SampleTicket>)
    | null;
  /** Null: this way in has none. */
  readonly folders: Folders | null;
}

export interface Folders {
  /** The id of the folder at this path, null when there is none. */
  find(path: string, signal: AbortSignal): Promise<string | null>;
  /** From a page of 1,150 entries of all kinds; `next` is the offset of the one after it. */
  list(
    page: { readonly folderId: string; readonly offset: number },
    signal: AbortSignal,
  ): Promise<{ readonly names: readonly string[]; readonly next: number | null }>;
}

export function openDrive(api: OpenApi): Drive {
  return {
    wantsPreHash: true,
    ensureFolder: (path, signal) => openFiles.ensureFolder(api, path, signal),
    entriesNamed: (place, signal) => openFiles.entriesNamed(api, place, signal),
    announce: (file, signal) => openUpload.initUpload(api, file, signal),
    resume: (upload, signal) => openUpload.resumeUpload(api, upload, signal),
    ossToken: (signal) => openUpload.ossToken(api, signal),
    space: (signal) => openFiles.space(api, signal),
    sampleTicket: null,
    folders: {
      find: async (path, signal) => {
        const entry = await openFiles.entryAt(api, { path }, signal);
        return entry?.kind === 'folder' ? entry.id : null;
      },
      list: (page, signal) => openFiles.foldersIn(api, page, signal),
    },
  };
}

/** Asks once for the key with which announcements are signed, and for the largest file that the account takes. */
export function cookieDrive(account: CookieAccount): Drive {
  let known: cookieUpload.UploadInfo | null = null;
  return {
    wantsPreHash: false,
    ensureFolder: (path, signal) => cookieFiles.ensureFolder(account, path, signal),
    entriesNamed: (place, signal) => cookieFiles.entriesNamed(account, place, signal),
    announce: async (file, signal) => {
      known ??= await cookieUpload.uploadInfo(account, signal);
      const { userKey, fileBytesMax } = known;
      if (fileBytesMax !== null && fileBytesMax > 0 && file.sizeBytes > fileBytesMax) {
        throw new Fault(
          'rejected',
          'pan115.too_large',
          `this 115 account takes files of ${fileBytesMax} bytes at most`,
        );
      }
      return cookieUpload.initUpload(account, { ...file, userKey }, signal);
    },
    resume: (upload, signal) => cookieUpload.resumeUpload(account, upload, signal),
    ossToken: (signal) => cookieUpload.ossToken(account, signal),
    space: (signal) => cookieFiles.space(account, signal),
    sampleTicket: (file, signal) => initSample(account, file, signal),
    folders: null,
  };
}
