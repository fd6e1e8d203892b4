/** Which addresses a home posts to: whoever may add a webhook must not reach by it what only the home can. Pure. */

/** `public`: the internet by https alone. `near`: also this machine and its network, by http too. */
export type Reach = 'public' | 'near';

/** `never`: link-local, metadata services, multicast, and what nobody has. */
export type AddressKind = 'public' | 'private' | 'never';

/** Of a URL before its name is resolved, and of one whose host is an address. */
export function isUrlAllowed(url: URL, reach: Reach): boolean {
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && reach === 'near')) return false;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host.includes(':') || /^[\d.]+$/.test(host)) return isAddressAllowed(host, url.protocol, reach);
  return reach === 'near' || !isInnerName(host.replace(/\.$/, ''));
}

/** `address` as it is connected to. Without encryption nothing leaves the machine's own network. */
export function isAddressAllowed(address: string, protocol: string, reach: Reach): boolean {
  const kind = addressKind(address);
  if (kind === 'private') return reach === 'near';
  return kind === 'public' && protocol === 'https:';
}

export function addressKind(address: string): AddressKind {
  if (!address.includes(':')) return kindOfV4(parseV4(address));
  const groups = parseV6(address.replace(/%.*$/, ''));
  return groups === null ? 'never' : kindOfV6(groups);
}

/** Names that mean something else inside than outside, or nothing outside. */
function isInnerName(name: string): boolean {
  return !name.includes('.') || /\.(?:localhost|local|internal|intranet|lan|home|corp|home\.arpa)$/i.test(name);
}

type V4 = readonly [number, number, number, number];

function parseV4(text: string): V4 | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return null;
  const [a = 256, b = 256, c = 256, d = 256] = match.slice(1).map(Number);
  return Math.max(a, b, c, d) > 255 ? null : [a, b, c, d];
}

/** By the registry of special addresses (IANA, RFC 6890), and where clouds have services for those inside. */
function kindOfV4(address: V4 | null): AddressKind {
  if (address === null) return 'never';
  const [a, b, c] = address;
  const text = address.join('.');
  if (INNER_V4.includes(text)) return 'never';
  const isPrivate =
    a === 10 ||
    a === 127 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 100 && b >= 64 && b < 128);
  if (isPrivate) return 'private';
  const isSpecial =
    a === 0 ||
    a >= 224 ||
    (a === 169 && b === 254) ||
    (a === 198 && (b === 18 || b === 19)) ||
    SPECIAL_V4.includes(`${a}.${b}.${c}`);
  return isSpecial ? 'never' : 'public';
}

/** Metadata and wire services of Alibaba and Azure; others are link-local. */
const INNER_V4 = ['100.100.100.200', '168.63.129.16'];
const SPECIAL_V4 = ['192.0.0', '192.0.2', '192.88.99', '198.51.100', '203.0.113'];

function parseV6(text: string): readonly number[] | null {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const tail = dotted === null ? null : parseV4(dotted[2] ?? '');
  if (dotted !== null && tail === null) return null;
  const plain = tail === null ? text : `${dotted?.[1]}${hexOf(tail)}`;
  const halves = plain.split('::');
  if (halves.length > 2) return null;
  const [head = [], rest] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - (rest?.length ?? 0);
  if (rest === undefined ? missing !== 0 : missing < 1) return null;
  const all = rest === undefined ? head : [...head, ...Array.from({ length: missing }, () => '0'), ...rest];
  return all.every((group) => /^[\da-f]{1,4}$/i.test(group)) ? all.map((group) => Number.parseInt(group, 16)) : null;
}

function hexOf([a, b, c, d]: V4): string {
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

function kindOfV6(groups: readonly number[]): AddressKind {
  const [a = 0, b = 0, , , , f = 0, g = 0, h = 0] = groups;
  const inner = kindOfV4([g >> 8, g & 255, h >> 8, h & 255]);
  const startsWithZeros = (count: number) => groups.slice(0, count).every((group) => group === 0);
  if (startsWithZeros(5) && f === 0xffff) return inner;
  if (startsWithZeros(7) && h === 1) return 'private';
  // What a gateway translates; only to the outside.
  if (a === 0x64 && b === 0xff9b && groups.slice(2, 6).every((group) => group === 0)) {
    return inner === 'public' ? 'public' : 'never';
  }
  // Metadata services of AWS and Google.
  if (a === 0xfd00 && b === 0xec2) return 'never';
  if (a === 0xfd20 && b === 0xce) return 'never';
  if ((a & 0xfe00) === 0xfc00) return 'private';
  const isSpecial = a === 0x2002 || (a === 0x2001 && (b < 0x200 || b === 0xdb8)) || (a === 0x3fff && b < 0x1000);
  return (a & 0xe000) === 0x2000 && !isSpecial ? 'public' : 'never';
}
