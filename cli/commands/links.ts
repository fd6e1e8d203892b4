/** The commands about links, as words. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Clock } from '#core/ports/clock.ts';
import { CreateLink, LINK_DAYS_DEFAULT, LINK_DAYS_MAX } from '#core/wire/link.ts';
import { isoTime } from '#core/wire/time.ts';
import type { Target } from '../files.ts';
import { addLink, listLinks, revokeLinks } from '../links.ts';
import { usage } from '../problem.ts';
import { type CommandPorts, several, targets, whole } from './words.ts';

interface LinkFlags {
  readonly to: readonly Target[];
  readonly note?: string;
  readonly days: number;
  readonly files?: number;
  readonly bytes?: number;
  readonly fileBytes?: number;
  readonly suffix?: readonly string[];
  readonly flat?: boolean;
}

const DAY_MS = 24 * 60 * 60_000;
const UNITS = ['', 'K', 'M', 'G', 'T'];

export function linkCommands(program: Command, { terminal, clock, connect, onFailures }: CommandPorts): void {
  const links = program.command('links').description('addresses by which people without an account hand in files');
  links
    .command('ls', { isDefault: true })
    .description('list them, with what came by each')
    .action(async () => listLinks(await connect(), terminal));

  links
    .command('add')
    .description('make one; its address is shown this once')
    .argument('<name>', 'what those who have it see')
    .requiredOption('--to <destination[/path]>', 'where files go, up to 8 times', targets)
    .option('--note <text>', 'shown below the name')
    .option('--days <count>', `how long it is good, ${LINK_DAYS_MAX} at most`, whole, LINK_DAYS_DEFAULT)
    .option('--files <count>', 'files that it takes at most', whole)
    .option('--bytes <size>', 'of all files together at most, as in 20G', size)
    .option('--file-bytes <size>', 'of each file at most', size)
    .option('--suffix <.ext>', 'only files that end so, several times', several(String))
    .option('--flat', 'all files into one folder, without one for each sender')
    .action(async (name: string, flags: LinkFlags) => addLink(await connect(), terminal, wantedOf(name, flags, clock)));

  links
    .command('revoke')
    .description('take no more files by them; what is whole is delivered')
    .argument('<link...>')
    .action(async (ids: string[]) => onFailures(await revokeLinks(await connect(), terminal, ids)));
}

function wantedOf(name: string, flags: LinkFlags, clock: Clock): CreateLink {
  const parsed = CreateLink.safeParse({
    name,
    destinations: flags.to.map(({ destinationId, folder }) => ({ id: destinationId, path: folder })),
    expiresAt: isoTime(clock.now() + flags.days * DAY_MS),
    note: flags.note,
    filesMax: flags.files,
    bytesMax: flags.bytes,
    fileBytesMax: flags.fileBytes,
    suffixes: flags.suffix,
    perSender: flags.flat ? 'flat' : 'folder',
  });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw usage(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a link'}`);
}

/** `500M`, `20G`: powers of 1024. */
function size(text: string): number {
  const [, digits, unit = ''] = /^([1-9]\d{0,11})([KMGT]?)$/i.exec(text) ?? [];
  if (digits === undefined) throw new InvalidArgumentError('a size in bytes, or as in 500M and 20G');
  return Number(digits) * 1024 ** UNITS.indexOf(unit.toUpperCase());
}
