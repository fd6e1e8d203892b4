/** The four functions, what starts them, and what each may do. */
import { gateway } from './gateway.ts';
import * as may from './grants.ts';
import { page } from './page.ts';
import { events, hints } from './queues.ts';
import { adminToken, agentKeys, capabilityKey, progressKey, sealKey, ticketKey } from './secrets.ts';
import { stage } from './stage.ts';
import { bucket } from './staging.ts';
import { table } from './table.ts';
import { type FunctionName, seconds, TIMEOUT_SECONDS } from './timeouts.ts';

interface Duties {
  readonly memory: `${number} MB`;
  readonly secrets: readonly sst.Secret[];
  readonly grants: readonly may.Grant[];
  readonly environment?: Readonly<Record<string, $util.Input<string>>>;
}

const { accountId } = aws.getCallerIdentityOutput();
const { region } = aws.getRegionOutput();
const { partition } = aws.getPartitionOutput();

/** What Lambda's own poller asks of a queue, in the function's name. */
const received: Readonly<Record<FunctionName, readonly may.Grant[]>> = {
  api: [],
  staged: [may.receivedFrom(events)],
  move: [may.receivedFrom(hints)],
  sweep: [],
};

const api = lambda('api', {
  memory: '1024 MB',
  secrets: [adminToken, sealKey, progressKey, ticketKey, capabilityKey, ...Object.values(agentKeys ?? {})],
  environment: { ENTREPOT_PAGE_URL: page.url },
  grants: [
    may.readRows,
    may.madeRows,
    may.changedRows,
    may.removedRows,
    ...may.ownedRows,
    may.endedRows,
    may.dueRows,
    may.sentHints,
    may.listedObjects,
    may.readInbox,
    may.putChunks,
    ...may.guestUploads,
    may.keptFiles,
  ],
});

const staged = lambda('staged', {
  memory: '512 MB',
  secrets: [progressKey],
  grants: [may.readRows, may.madeRows, may.sentHints, may.listedObjects, may.readInbox, may.removedChunks],
});

const move = lambda('move', {
  // Its share of the line grows with it: five parts are under way at a time.
  memory: '1769 MB',
  secrets: [sealKey, progressKey],
  grants: [
    may.readRows,
    may.madeRows,
    may.changedRows,
    may.removedRows,
    may.dueRows,
    may.sentHints,
    may.listedObjects,
    may.readObjects,
    may.removedObjects,
  ],
});

export const sweep = lambda('sweep', {
  memory: '512 MB',
  secrets: [progressKey],
  grants: [
    may.readRows,
    may.madeRows,
    may.changedRows,
    may.removedRows,
    may.dueRows,
    may.sentHints,
    may.listedObjects,
    ...may.abortedUploads,
  ],
});

gateway.route('$default', api.arn);

events.subscribe(staged.arn, { batch: { size: 10, partialResponses: true } });

hints.subscribe(move.arn, {
  batch: { size: 1, partialResponses: true },
  // Bounds the movers without taking what they do not use from others, and without failing receives as a reservation would.
  transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: stage.moversMax } } },
});

function lambda(name: FunctionName, { memory, secrets, grants, environment }: Duties): sst.aws.Function {
  const fullName = stage.named(name);
  return new sst.aws.Function(`${name.charAt(0).toUpperCase()}${name.slice(1)}`, {
    name: fullName,
    handler: `functions/lambda/${name}.handler`,
    runtime: 'nodejs24.x',
    architecture: 'arm64',
    memory,
    timeout: seconds(TIMEOUT_SECONDS[name]),
    // A call that failed comes again by its queue or its schedule; this is for calls that nobody waits for.
    retries: 0,
    logging: { format: 'json', retention: stage.logs },
    nodejs: {
      minify: true,
      // What only some calls need is a file of its own, and waits for them.
      splitting: true,
      // ali-oss asks for proxy-agent where a proxy is configured, and none is.
      // Maps would not be in the zip: SST only lays them beside it, one object per file.
      esbuild: { external: ['proxy-agent'], keepNames: false, sourcemap: false },
    },
    // gRPC reads it when a CloudDrive2 is first asked.
    copyFiles: [{ from: 'proto/clouddrive.proto' }],
    link: [...secrets],
    environment: {
      ENTREPOT_TABLE: table.name,
      ENTREPOT_BUCKET: bucket.name,
      ENTREPOT_HINTS_QUEUE_URL: hints.url,
      // Through the CDN: the relay has no public address of its own.
      ENTREPOT_RELAY_URL: page.url,
      ...(stage.agentDomain === undefined ? {} : { ENTREPOT_AGENTS: 'yes' }),
      ...environment,
    },
    permissions: [
      ...grants,
      ...received[name],
      {
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [$interpolate`arn:${partition}:logs:${region}:${accountId}:log-group:/aws/lambda/${fullName}:*`],
      },
    ],
    ...(stage.reserved === null ? {} : { concurrency: { reserved: stage.reserved[name] } }),
    transform: {
      role: (args) => {
        // AWS's own policy would let it write every log of the account.
        args.managedPolicyArns = [];
        // SST would also let the account's users take the role on themselves, as `sst dev` needs it.
        args.assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: 'lambda.amazonaws.com' });
      },
      eventInvokeConfig: { maximumEventAgeInSeconds: 60 },
    },
  });
}
