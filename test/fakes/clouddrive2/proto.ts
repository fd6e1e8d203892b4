/** The calls of CloudDrive2 as the fake serves them: from the interface text alone. */
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { CloudDriveFileSrvHandlers } from '#proto/generated/clouddrive/CloudDriveFileSrv.ts';
import type { ProtoGrpcType } from '#proto/generated/clouddrive.ts';

export type Rpc = keyof { [N in keyof CloudDriveFileSrvHandlers as string extends N ? never : N]: true };
export type Handlers<N extends Rpc> = Pick<CloudDriveFileSrvHandlers, N>;

const loaded = loadPackageDefinition(
  loadSync(fileURLToPath(new URL('../../../proto/clouddrive.proto', import.meta.url)), {
    keepCase: true,
    longs: Number,
    enums: String,
    defaults: true,
    oneofs: true,
  }),
);

// The loader cannot know what the generated types say of the same text.
export const service = (loaded as unknown as ProtoGrpcType).clouddrive.CloudDriveFileSrv.service;
