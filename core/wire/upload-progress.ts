/** Uploads in the words of the 115 tools that this API takes the place of: `/api/upload/…` and `/ws/upload/progress`. */
import * as z from 'zod';
import { Status } from './transfer.ts';

/** Sizes in bytes, `speed_mbps` in MB/s (10^6 bytes), times in seconds, `percentage` of the bytes, with one decimal. */
export const UploadProgress = z.object({
  id: z.string(),
  file_name: z.string(),
  file_path: z.string().describe('folder at the destination, and name'),
  file_size: z.int().min(0),
  status: Status,
  percentage: z.number().min(0).max(100),
  uploaded_bytes: z.int().min(0),
  total_bytes: z.int().min(0),
  total_parts: z.int().min(0),
  uploaded_parts: z.int().min(0),
  speed_mbps: z.number().min(0).describe('MB/s'),
  elapsed_seconds: z.number().min(0),
  eta_seconds: z.number().min(0).nullable(),
  error_message: z.string().nullable(),
  file_id: z.string().nullable(),
  is_quick_upload: z.boolean(),
});
export type UploadProgress = z.infer<typeof UploadProgress>;

export const UploadProgressList = z.object({ uploads: z.array(UploadProgress) });

/** What an interrupted upload goes on from. `progress` is the percentage of parts, with one decimal. */
export const UploadSession = z.object({
  session_id: z.string().describe('of file path, target directory and destination'),
  file_path: z.string(),
  file_size: z.int().min(0),
  file_sha1: z.string().nullable().describe('upper-case hex, as the client told it'),
  target_dir_id: z.string(),
  total_parts: z.int().min(0),
  uploaded_parts: z.array(z.int().min(1)).describe('numbers, ascending'),
  upload_id: z.string(),
  progress: z.number().min(0).max(100),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
export type UploadSession = z.infer<typeof UploadSession>;

export const UploadSessionList = z.object({ sessions: z.array(UploadSession) });

export const UploadMessage = z.object({ message: z.string() });
