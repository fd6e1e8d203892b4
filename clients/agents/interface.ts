/** The calls between agents and their home, as `proto/agent.proto` has them, and how much of each there may be. */
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProtoGrpcType } from '#proto/generated/agent.ts';

/** Of the messages. Both sides have the same one, or do not work together. */
export const PROTOCOL = 1;
export const DEFAULT_PORT = 12_382;

const KIB = 1024;
const MIB = 1024 * KIB;

/** Of one message, framing and all. */
export const MESSAGE_BYTES_MAX = 4 * MIB;
/** Of what a call is given or answers: receipts of 10,000 parts are 1 MiB. */
export const JSON_BYTES_MAX = 2 * MIB;
/** Of settings, credentials or a shared value. */
export const ASKED_BYTES_MAX = 64 * KIB;
/** Sources give bytes by 16 or 64 KiB, and each message costs as much as 100 KiB of them. */
export const PIECE_BYTES = 256 * KIB;
/** Under way at one agent. */
export const CALLS_MAX = 256;
/** Who says nothing for so long is gone: three heartbeats. */
export const SILENCE_MS = 90_000;

/** Where clear text goes nowhere else. As in a URL or without brackets. */
export function isLoopback(host: string): boolean {
  return /^(localhost|::1|\[::1\]|127\.\d+\.\d+\.\d+)$/.test(host);
}

const loaded = loadPackageDefinition(
  loadSync(fileURLToPath(new URL('../../proto/agent.proto', import.meta.url)), {
    // As the types were generated.
    keepCase: true,
    longs: Number,
    enums: String,
    defaults: true,
    oneofs: true,
  }),
);

// The loader does not know the generated types; both come from the same text.
export const { service } = (loaded as unknown as ProtoGrpcType).agent.AgentLine;
