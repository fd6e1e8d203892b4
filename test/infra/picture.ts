/** A stack as text to be reviewed: a block for each resource, sorted, the same in every run. */
import { type Resource, SECRET, type Stack, shortened, unmarked } from './stack.ts';

/** Components are only names for what is listed beside them; the rest of these are SST's own errands, as uploads of the page. */
const LEFT_OUT = /^(sst|pulumi|pulumi-nodejs):/;
/** What SST writes itself, codes and times; and charts, which have a test of their own. */
const OPAQUE = new Set(['code', 'triggers', 'source', 's3Key', 'key', 'dashboardBody']);
const LINE_MAX = 120;

/** Resource → its lines. */
type Blocks = ReadonlyMap<string, readonly string[]>;

export function picture(stack: Stack): string {
  return textOf(blocksOf(stack), '  ');
}

/** What `other` has otherwise than `stack`: lines with `-` and `+` under the resource that they are of. */
export function difference(stack: Stack, other: Stack): string {
  const [before, after] = [blocksOf(stack), blocksOf(other)];
  const heads = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  const changed = heads.map((head): [string, string[]] => {
    const [was, is] = [before.get(head) ?? [], after.get(head) ?? []];
    const gone = was.filter((line) => !is.includes(line)).map((line) => `- ${line}`);
    return [head, [...gone, ...is.filter((line) => !was.includes(line)).map((line) => `+ ${line}`)]];
  });
  return textOf(new Map(changed.filter(([, lines]) => lines.length > 0)), '');
}

function textOf(blocks: Blocks, indent: string): string {
  return [...blocks].map(([head, lines]) => `${[head, ...lines.map((line) => indent + line)].join('\n')}\n`).join('\n');
}

function blocksOf({ resources }: Stack): Blocks {
  const shown = resources.filter(({ type }) => !LEFT_OUT.test(type));
  return new Map(shown.map(blockOf).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function blockOf({ type, name, inputs }: Resource): [string, string[]] {
  // Subscribers are named by a code of what they subscribe.
  return [`${type} ${name.replace(/(?<=Subscriber|Route)[A-Z][a-z]{5}(?=[A-Z])/, '')}`, linesOf(unmarked(inputs))];
}

function linesOf(value: unknown): string[] {
  return entriesOf(value).flatMap(([key, entry]) => {
    const line = `${key}: ${inOneLine(entry)}`;
    if (line.length <= LINE_MAX || typeof entry !== 'object') return [line];
    return [`${key}:`, ...linesOf(entry).map((below) => `  ${below}`)];
  });
}

function inOneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((entry) => inOneLine(readable(entry))).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return shortened(String(value)).replace(SECRET, '(secret)');
  return `{ ${entriesOf(value)
    .map(([key, entry]) => `${key}: ${inOneLine(entry)}`)
    .join(', ')} }`;
}

function entriesOf(value: unknown): [string, unknown][] {
  const entries = Object.entries(value ?? {}).map(([key, entry]): [string, unknown] => [key, readable(entry)]);
  const told = entries.filter(([, entry]) => entry !== null && entry !== undefined);
  const sorted = Array.isArray(value) ? told : told.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([key, entry]) => [key, OPAQUE.has(key) ? '…' : entry]);
}

/** Policies, containers and charts are JSON in a string. */
function readable(value: unknown): unknown {
  return typeof value === 'string' && /^[[{]/.test(value) ? JSON.parse(value) : value;
}
