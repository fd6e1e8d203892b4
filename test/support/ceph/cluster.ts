/** One monitor and one OSD, enough for a gateway. Ports and paths are the caller's, so that clusters can live side by side. */
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { spawnDaemon } from './daemon.ts';

export interface ClusterPorts {
  readonly gatewayPort: number;
  readonly monitorPort: number;
  /** The monitor's first protocol, which some of its clients still speak. */
  readonly oldMonitorPort: number;
}

export interface UserKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The file is sparse. An OSD that fills up hangs its clients for minutes, and deleted objects go late. */
const OSD_BYTES = 40 * 1024 ** 3;
const OSD_MEMORY_BYTES = 1024 ** 3;
/** Deleted objects leave the disk after so many seconds, not after the default two hours. */
const COLLECT_SECONDS = 5;
const FORGOTTEN_SECONDS = 3;
const STEP_TIMEOUT_MS = 120_000;
/** One question to a monitor that may not listen yet. */
const ASK_TIMEOUT_MS = 5_000;
const LIBRARIES = '/usr/lib';

const run = promisify(execFile);

/** Resolves when the store is up and has a user; the gateway is not started. `dir` exists and is empty but for the guard's file. */
export async function bootCluster(dir: string, ports: ClusterPorts): Promise<UserKeys> {
  for (const folder of ['run', 'log', 'mon', 'osd', 'osd/ceph-0', 'rgw']) await mkdir(join(dir, folder));
  const fsid = randomUUID();
  const conf = join(dir, 'ceph.conf');
  await writeFile(conf, configuration(dir, fsid, ports, await classesDir()));
  const step = (command: string, ...args: string[]) => run(command, args, { cwd: dir, timeout: STEP_TIMEOUT_MS });

  const map = join(dir, 'monmap');
  await step('monmaptool', '--create', '--clobber', '--fsid', fsid, '--addv', 'a', monitorAddresses(ports), map);
  await step('ceph-mon', '--mkfs', '-i', 'a', '--monmap', map, '-c', conf);
  await spawnDaemon(dir, 'mon', 'ceph-mon', ['-i', 'a', '-c', conf, '-f']);
  const osdId = randomUUID();
  await untilTaken(() => run('ceph', ['-c', conf, 'osd', 'new', osdId], { cwd: dir, timeout: ASK_TIMEOUT_MS }));
  await step('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osdId, '-c', conf);
  await spawnDaemon(dir, 'osd', 'ceph-osd', ['-i', '0', '-c', conf, '-f']);

  const keys = { accessKeyId: randomBytes(10).toString('hex'), secretAccessKey: randomBytes(20).toString('hex') };
  await makeUser(dir, conf, keys);
  return keys;
}

/**
 * radosgw-admin 16 may die of a segmentation fault on its way out, when the machine is so busy that the OSD has forgotten it
 * meanwhile: what it printed says whether the user is there.
 */
async function makeUser(dir: string, conf: string, { accessKeyId, secretAccessKey }: UserKeys): Promise<void> {
  const create = ['create', '--display-name=tests', `--access-key=${accessKeyId}`, `--secret-key=${secretAccessKey}`];
  let last: unknown;
  for (const words of [create, ['info'], create, ['info']]) {
    const args = ['-c', conf, '-n', 'client.rgw', 'user', ...words, '--uid=tests'];
    try {
      const { stdout } = await run('radosgw-admin', args, { cwd: dir, timeout: STEP_TIMEOUT_MS });
      if (stdout.includes(accessKeyId)) return;
    } catch (error) {
      if (error instanceof Error && 'stdout' in error && String(error.stdout).includes(accessKeyId)) return;
      last = error instanceof Error ? error.message.slice(-500) : error;
    }
  }
  throw new Error(`radosgw-admin made no user: ${String(last)}`);
}

async function untilTaken(ask: () => Promise<unknown>): Promise<void> {
  const untilMs = Date.now() + STEP_TIMEOUT_MS;
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (Date.now() > untilMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function monitorAddresses({ monitorPort, oldMonitorPort }: ClusterPorts): string {
  return `[v2:127.0.0.1:${monitorPort},v1:127.0.0.1:${oldMonitorPort}]`;
}

/** Debian keeps them under the name of the machine's architecture. */
async function classesDir(): Promise<string> {
  for (const name of await readdir(LIBRARIES)) {
    const dir = join(LIBRARIES, name, 'rados-classes');
    if (existsSync(dir)) return dir;
  }
  throw new Error('no rados-classes: is ceph-osd installed?');
}

function configuration(dir: string, fsid: string, ports: ClusterPorts, classes: string): string {
  return `[global]
fsid = ${fsid}
mon host = ${monitorAddresses(ports)}
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
# Without cephx a client may not ask the monitor for the secure mode, which is the default: the gateway would never connect.
ms_mon_client_mode = crc
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd_pool_default_pg_autoscale_mode = off
mon allow pool size one = true
mon_max_pg_per_osd = 1000
osd crush chooseleaf type = 0
run dir = ${dir}/run
admin socket = ${dir}/run/$name.asok
log file = ${dir}/log/$name.log
[mon]
mon data = ${dir}/mon/$id
[osd]
osd data = ${dir}/osd/ceph-$id
osd objectstore = bluestore
bluestore_block_size = ${OSD_BYTES}
bluestore_block_create = true
osd_memory_target = ${OSD_MEMORY_BYTES}
osd class dir = ${classes}
# A killed gateway is waited for this long by whoever changes a bucket; the default is half a minute.
osd_client_watch_timeout = ${FORGOTTEN_SECONDS}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:${ports.gatewayPort}
rgw data = ${dir}/rgw
rgw_gc_obj_min_wait = ${COLLECT_SECONDS}
rgw_gc_processor_period = ${COLLECT_SECONDS}
rgw_gc_processor_max_time = ${COLLECT_SECONDS}
debug_rgw = 0/0
`;
}
