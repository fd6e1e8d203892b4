/** The environment of the relay's process, parsed once. */
import * as z from 'zod';
import { ApiFunctionEnv, CloudEnv } from '../functions/env.ts';

export const RelayEnv = z.object({
  ...CloudEnv.shape,
  HOST: z.string().min(1).default('0.0.0.0'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  /** Pages from there may open sockets, beside those of the relay's own host. */
  ENTREPOT_PAGE_URL: ApiFunctionEnv.shape.ENTREPOT_PAGE_URL.optional(),
  /** What several relays tell each other by; a single one needs none. Holds a password, so it may come as a file. */
  ENTREPOT_REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/([^\s/@]*@)?[^\s/@?#]+(\/\d*)?$/, 'is not like rediss://user:password@host:6379')
    .refine(isDecodable, 'has a % that stands for nothing')
    .optional(),
  /** Takes agents in at this port, in clear text: TLS is what stands before it. Absent: none. */
  ENTREPOT_AGENT_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  /** `yes`: agents of other machines too. */
  ENTREPOT_AGENT_PLAIN: z.literal('yes').optional(),
  /** Where other relays reach this one, `http://10.0.1.2:8080`. Absent: at its machine's own address, and its port. */
  ENTREPOT_RELAY_ADDRESS: z
    .url({ protocol: /^http$/ })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  ENTREPOT_SOCKETS_MAX: z.coerce.number().int().min(1).max(100_000).default(2_000),
  /** Within this time everybody is sent to another relay when this one ends. Its end needs 5 s more, and 15 s at least. */
  ENTREPOT_DRAIN_SECONDS: z.coerce.number().min(0).max(90).default(8),
});
export type RelayEnv = z.infer<typeof RelayEnv>;

function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url);
    return URL.canParse(url);
  } catch {
    return false;
  }
}
