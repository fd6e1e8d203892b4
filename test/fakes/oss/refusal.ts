/** How OSS says no: a status, a code, and an XML body. */

export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly more: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, more: Readonly<Record<string, string>>) {
    super(message);
    this.status = status;
    this.code = code;
    this.more = more;
  }
}

export function refuse(
  status: number,
  code: string,
  message: string,
  more: Readonly<Record<string, string>> = {},
): never {
  throw new Refusal(status, code, message, more);
}

export function errorXml({ code, message, more }: Refusal, requestId: string, host: string): string {
  return xml('Error', { Code: code, Message: message, RequestId: requestId, HostId: host, ...more });
}

type Content = string | number | boolean;

/** One element per entry; an array repeats its element, an object nests. */
export interface Tree {
  readonly [name: string]: Content | Tree | readonly Tree[];
}

export function xml(root: string, tree: Tree): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(root, tree)}`;
}

function element(name: string, value: Tree[string]): string {
  if (Array.isArray(value)) return value.map((one: Tree) => element(name, one)).join('');
  if (typeof value !== 'object') return `<${name}>${escaped(String(value))}</${name}>`;
  const inner = Object.entries(value).map(([child, content]) => element(child, content));
  return `<${name}>${inner.join('')}</${name}>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
