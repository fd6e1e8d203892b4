/** `entrepot put`, as words. */
import { randomUUID } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import { DigestAlgorithm } from '#core/wire/digest.ts';
import { collectFiles, type Target } from '../files.ts';
import { usage } from '../problem.ts';
import { putFiles } from '../put.ts';
import { barReport, jsonReport } from '../put-report.ts';
import { LINK_TARGET, senderClient } from '../sender.ts';
import { type CommandPorts, targets } from './words.ts';

interface PutFlags {
  readonly to?: readonly Target[];
  readonly toLink?: string;
  readonly as?: string;
  readonly watch?: boolean;
  readonly recursive?: boolean;
  readonly again?: boolean;
  readonly digest?: readonly DigestAlgorithm[];
}

export function putCommand(program: Command, ports: CommandPorts): void {
  const { terminal, clock, signal } = ports;
  program
    .command('put')
    .description('send files; run it again to go on with what was interrupted')
    .argument('<file...>', 'files, and with --recursive folders')
    .option('--to <destination[/path]>', 'where to, up to 8 times', targets)
    .option('--to-link <address>', 'hand them in by a link that somebody gave you, instead of --to')
    .option('--as <name>', 'with --to-link: your name')
    .option('--watch', 'wait until everything has arrived')
    .option('--recursive', 'send folders with what is in them')
    .option('--again', 'send it again even if it was delivered before')
    .option('--digest <algorithm>', 'compute it first: a destination that knows the file needs no bytes', digests)
    .action(async (paths: string[], given: PutFlags) => {
      const { to, toLink, as } = given;
      if ((to === undefined) === (toLink === undefined)) throw usage('put wants --to, or --to-link: one of them');
      if (toLink !== undefined && (given.watch || given.digest))
        throw usage('--to-link goes without --watch and --digest');
      const jobs = await collectFiles(paths, to ?? [LINK_TARGET], given.recursive ? 'recursive' : 'refused');
      const client = await (toLink === undefined ? ports.connect() : senderClient(ports, toLink, as));
      const until = given.watch ? 'delivered' : 'staged';
      const report = terminal.isInteractive ? barReport(terminal, clock, until) : jsonReport(terminal);
      const options = { until, digests: given.digest ?? [], again: given.again ? randomUUID() : '' } as const;
      ports.onFailures(await putFiles({ client, clock, report, signal }, jobs, options));
    });
}

function digests(text: string, before: readonly DigestAlgorithm[] = []): readonly DigestAlgorithm[] {
  const algorithm = DigestAlgorithm.safeParse(text);
  if (algorithm.success) return [...new Set([...before, algorithm.data])];
  throw new InvalidArgumentError(`one of ${DigestAlgorithm.options.join(', ')}`);
}
