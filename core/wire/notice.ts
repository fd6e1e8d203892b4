/** A word to people who watch, beside what their transfers do: `POST /send-notification`, and `notification` on the socket. */
import * as z from 'zod';

export const Notice = z.object({
  title: z.string().min(1).max(200),
  content: z.string().max(2_000),
  type: z
    .string()
    .regex(/^[a-z_]{1,32}$/, 'a type is a word of small letters: info, warning …')
    .default('info'),
});
export type Notice = z.output<typeof Notice>;

export const SendNotice = Notice.extend({
  user_id: z.string().min(1).max(128).optional().describe('one owner; absent: everybody who watches'),
});

/** Of this server: connections at other relays are not among them. */
export type ConnectionStats = z.infer<typeof ConnectionStats>;
export const ConnectionStats = z.object({
  total_connections: z.int().min(0),
  total_users: z.int().min(0),
  buffered_bytes: z.int().min(0),
  refused: z.int().min(0).describe('connections since the start that were not let in'),
  user_connected: z.boolean().optional().describe('whether the user asked for watches now'),
});
