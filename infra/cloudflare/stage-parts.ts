/** What the Worker needs before it can be deployed: the bucket with its rules, the queues, and R2's word to one of them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WranglerConfig } from './config.ts';
import { insist, type Wrangler } from './run-wrangler.ts';

const DAY_SECONDS = 86_400;
/** R2's number for a bucket that is not there. */
const NO_BUCKET = '[code: 10006]';

/** No cookie opens the bucket: each put carries a signature of its own. So this only says whose pages are served, and is no lock. */
const CORS = {
  rules: [
    {
      id: 'pages',
      // R2 does not say that it takes `*` for headers.
      allowed: {
        origins: ['*'],
        methods: ['PUT', 'GET', 'HEAD'],
        headers: ['content-type', 'if-none-match', 'range'],
      },
      exposeHeaders: ['ETag'],
      maxAgeSeconds: 3_600,
    },
  ],
};

/** What nobody removed: an upload lives for 21 days at most, a guest's session for a week. */
const LIFECYCLE = {
  rules: [
    {
      ...{ id: 'chunks', enabled: true, conditions: { prefix: 'staging/' } },
      deleteObjectsTransition: ageOf(30),
    },
    {
      ...{ id: 'inbox', enabled: true, conditions: { prefix: 'inbox/' } },
      deleteObjectsTransition: ageOf(30),
    },
    {
      ...{ id: 'unfinished', enabled: true, conditions: { prefix: '' } },
      abortMultipartUploadsTransition: ageOf(8),
    },
  ],
};

/** Objects that somebody has to be told of. */
const TOLD_PREFIXES = ['staging/', 'inbox/'];

/** Each step may be done already. Rules are set as they should be, whatever they were. `scratch` is a folder for files. */
export async function stageParts(wrangler: Wrangler, config: WranglerConfig, scratch: string): Promise<void> {
  const bucket = config.r2_buckets[0].bucket_name;
  const known = await wrangler(['r2', 'bucket', 'info', bucket, '--json']);
  if (!known.isOk && !known.text.includes(NO_BUCKET)) throw new Error(`wrangler r2 bucket info\n${known.text.trim()}`);
  if (!known.isOk) await insist(wrangler, ['r2', 'bucket', 'create', bucket]);
  await setRules(wrangler, ['r2', 'bucket', 'cors', 'set', bucket], join(scratch, 'cors.json'), CORS);
  await setRules(wrangler, ['r2', 'bucket', 'lifecycle', 'set', bucket], join(scratch, 'lifecycle.json'), LIFECYCLE);
  const queues = config.queues.consumers.flatMap(({ queue, dead_letter_queue }) => [queue, dead_letter_queue]);
  for (const queue of queues) await makeQueue(wrangler, queue);
  await tell(wrangler, bucket, config.vars.ENTREPOT_STAGED_QUEUE);
}

async function setRules(wrangler: Wrangler, command: readonly string[], path: string, rules: unknown): Promise<void> {
  await writeFile(path, JSON.stringify(rules));
  await insist(wrangler, [...command, '--file', path, '--force']);
}

async function makeQueue(wrangler: Wrangler, name: string): Promise<void> {
  const known = await wrangler(['queues', 'info', name]);
  if (known.isOk) return;
  if (!known.text.includes('does not exist')) throw new Error(`wrangler queues info ${name}\n${known.text.trim()}`);
  await insist(wrangler, ['queues', 'create', name]);
}

/** R2 refuses a rule that overlaps with one that is there; of a bucket without any, the list is an error. */
async function tell(wrangler: Wrangler, bucket: string, queue: string): Promise<void> {
  const command = ['r2', 'bucket', 'notification'];
  const rules = (await wrangler([...command, 'list', bucket])).text.split(/\n\s*\n/);
  const isTold = (prefix: string): boolean =>
    rules.some((rule) => labelled('queue_name', queue).test(rule) && labelled('prefix', prefix).test(rule));
  for (const prefix of TOLD_PREFIXES.filter((one) => !isTold(one))) {
    const rule = ['--event-type', 'object-create', '--prefix', prefix, '--queue', queue];
    await insist(wrangler, [...command, 'create', bucket, ...rule]);
  }
}

function labelled(name: string, value: string): RegExp {
  return new RegExp(`^${name}:\\s+${RegExp.escape(value)}\\s*$`, 'm');
}

function ageOf(days: number) {
  return { condition: { type: 'Age', maxAge: days * DAY_SECONDS } };
}
