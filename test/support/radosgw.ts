/**
 * Debian's radosgw on a throw-away cluster of one monitor and one OSD: the second S3, written by others, that tests and
 * benches speak to. No manager, no cephx, no systemd; everything lies in one folder under the temporary directory.
 */
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { type S3Config, s3Client } from '#clients/s3/client.ts';
import { havePrograms } from './apt.ts';
import { bootCluster } from './ceph/cluster.ts';
import { spawnDaemon, stopDaemon } from './ceph/daemon.ts';
import { keepGuard, sweepLeftovers } from './ceph/guard.ts';
import { freePorts } from './free-ports.ts';

/** Plain data: whoever has it may speak to the store, and kill and start its gateway. */
export interface RadosgwAddress extends S3Config {
  readonly endpoint: string;
  /** The cluster's folder. */
  readonly dir: string;
}

export interface Radosgw extends RadosgwAddress {
  /** Creates the bucket; fine when it is there. */
  makeBucket(name: string): Promise<void>;
  /** `kill -9` of the gateway alone: monitor and OSD go on. Resolves once the process is gone. */
  killGateway(): Promise<void>;
  /** Resolves once it answers again, at the same port. */
  startGateway(): Promise<void>;
}

const PREFIX = 'entrepot-radosgw-';
const PROGRAMS = {
  purpose: 'tests against radosgw',
  binaries: ['radosgw', 'radosgw-admin', 'ceph', 'ceph-mon', 'ceph-osd', 'monmaptool'],
  packages: ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common'],
};
/** A gateway is back after 1 to 3 s on an idle machine; on a busy one it has been seen to take ten times that. */
const GATEWAY_TIMEOUT_MS = 120_000;

/**
 * A cluster of one's own, in about 20 s. Null when there is no radosgw and none can be installed (see `havePrograms`).
 * `ENTREPOT_RADOSGW` names the file that `test/support/ceph/radosgw-server.ts` wrote: then that running cluster is used,
 * and left running.
 */
export async function startRadosgw(): Promise<(Radosgw & AsyncDisposable) | null> {
  const given = process.env['ENTREPOT_RADOSGW'];
  if (given) {
    const running = radosgwAt(JSON.parse(await readFile(given, 'utf8')));
    // A test that was broken off may have left it killed.
    if (!(await isUp(running.endpoint))) await running.startGateway();
    return { ...running, [Symbol.asyncDispose]: async () => {} };
  }
  if (!(await havePrograms(PROGRAMS))) return null;
  await sweepLeftovers(tmpdir(), PREFIX);
  const dir = await mkdtemp(join(tmpdir(), PREFIX));
  const guard = await keepGuard(dir);
  try {
    const [gatewayPort = 0, monitorPort = 0, oldMonitorPort = 0] = await freePorts(3);
    const keys = await bootCluster(dir, { gatewayPort, monitorPort, oldMonitorPort });
    const gateway = radosgwAt({
      ...keys,
      dir,
      endpoint: `http://127.0.0.1:${gatewayPort}`,
      region: 'us-east-1',
      forcePathStyle: true,
    });
    await gateway.startGateway();
    return { ...gateway, [Symbol.asyncDispose]: guard.release };
  } catch (error) {
    await guard.release();
    throw error;
  }
}

/** Another gateway before the same cluster, which may be killed without anybody else's missing it. */
export async function anotherGateway(cluster: RadosgwAddress): Promise<Radosgw & AsyncDisposable> {
  const [port = 0] = await freePorts(1);
  const gateway = radosgwAt({ ...cluster, endpoint: `http://127.0.0.1:${port}` }, `rgw-${port}`);
  await gateway.startGateway();
  return { ...gateway, [Symbol.asyncDispose]: gateway.killGateway };
}

/** The running cluster of this address, from whichever process. `daemon`: which of its gateways. */
export function radosgwAt(address: RadosgwAddress, daemon = 'rgw'): Radosgw {
  return {
    ...address,
    async makeBucket(name) {
      const client = s3Client(address);
      try {
        await client.send(new CreateBucketCommand({ Bucket: name }));
      } finally {
        client.destroy();
      }
    },
    killGateway: () => stopDaemon(address.dir, daemon),
    async startGateway() {
      await spawnDaemon(address.dir, daemon, 'radosgw', [
        ...['-c', join(address.dir, 'ceph.conf'), '-n', 'client.rgw', '-f'],
        `--rgw_frontends=beast endpoint=${new URL(address.endpoint).host}`,
      ]);
      await untilAnswers(address.endpoint, address.dir);
    },
  };
}

/** What another process can be told. The keys are of no use beyond the cluster's life. */
export function plainAddress(radosgw: RadosgwAddress): RadosgwAddress {
  const { dir, endpoint, region, accessKeyId, secretAccessKey, forcePathStyle } = radosgw;
  return { dir, endpoint, region, accessKeyId, secretAccessKey, forcePathStyle };
}

async function untilAnswers(endpoint: string, dir: string): Promise<void> {
  const untilMs = Date.now() + GATEWAY_TIMEOUT_MS;
  while (!(await isUp(endpoint))) {
    if (Date.now() > untilMs) {
      const log = await readFile(join(dir, 'log', 'rgw.out'), 'utf8').catch(() => '');
      throw new Error(`radosgw does not answer: ${log.slice(-1000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function isUp(endpoint: string): Promise<boolean> {
  const answer = await fetch(endpoint).catch(() => null);
  await answer?.arrayBuffer();
  return answer?.ok ?? false;
}
