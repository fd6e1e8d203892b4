/** The calls of CloudDrive2, as `proto/clouddrive.proto` has them. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProtoGrpcType } from '#proto/generated/clouddrive.ts';

const NAME = 'proto/clouddrive.proto';
/** In a bundle, which has this code in a file of its root. */
const bundled = new URL(NAME, import.meta.url);
const source = existsSync(bundled) ? bundled : new URL(`../../${NAME}`, import.meta.url);

const loaded = loadPackageDefinition(
  loadSync(fileURLToPath(source), {
    // As the types were generated: names as they are, because the real ones mix styles; `oneofs` names the one that is set, since
    // the first status is 0 and would pass for an absent one.
    keepCase: true,
    longs: Number,
    enums: String,
    defaults: true,
    oneofs: true,
  }),
);

// The loader does not know the generated types; both come from the same text.
export const { service } = (loaded as unknown as ProtoGrpcType).clouddrive.CloudDriveFileSrv;
