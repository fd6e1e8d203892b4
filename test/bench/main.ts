/** `npm run bench [-- [--quick] NAME…]`: runs the benches named, or all. Says what it saw and judges nothing: exit code 0. */

import { agent } from './agent.ts';
import { browserHashing } from './browser-hashing.ts';
import { bucket } from './bucket.ts';
import { bundles } from './bundles.ts';
import { claims } from './claims.ts';
import { cloudDrive2 } from './clouddrive2.ts';
import { cutThrough } from './cut-through.ts';
import { deliver } from './deliver.ts';
import { eventLatency } from './event-latency.ts';
import { handOver } from './hand-over.ts';
import { hashing } from './hashing.ts';
import { hangUp } from './http.ts';
import { machine } from './measure.ts';
import { pan115Requests } from './pan115-requests.ts';
import { rclone } from './rclone.ts';
import { type Bench, jsonLine, type Report, type Size, shown } from './report.ts';
import { tableWrites } from './table-writes.ts';
import { uppy } from './uppy.ts';

const BENCHES: readonly Bench[] = [
  cutThrough,
  claims,
  bucket,
  tableWrites,
  eventLatency,
  deliver,
  hashing,
  browserHashing,
  handOver,
  pan115Requests,
  cloudDrive2,
  agent,
  rclone,
  uppy,
  bundles,
];

const names = process.argv.slice(2).filter((argument) => argument !== '--quick');
const size: Size = process.argv.includes('--quick') ? 'quick' : 'full';
const unknown = names.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `no such bench: ${unknown.join(', ')}; there are ${BENCHES.map(({ name }) => name).join(', ')}\n`,
  );
  process.exit(2);
}

const here = machine();
const { cores, cpu, node, memoryGib, disk, load } = here;
process.stdout.write(
  `${new Date().toISOString()}  ${cores} cores ${cpu}, ${memoryGib} GiB, ${disk}, Node ${node}, load ${load}\n` +
    `${size === 'quick' ? 'Quick sizes: figures for looking at, not for quoting.\n' : ''}\n`,
);

const lines: string[] = [];
for (const bench of BENCHES.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const report = await ran(bench);
  if (report === null) continue;
  process.stdout.write(shown(bench, report));
  lines.push(jsonLine(bench, report, { machine: here, size }));
}
if (!process.stdout.isTTY) process.stdout.write(lines.join(''));
hangUp();

async function ran(bench: Bench): Promise<Report | null> {
  try {
    return await bench.run(size);
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(
      `${bench.name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return null;
  }
}
