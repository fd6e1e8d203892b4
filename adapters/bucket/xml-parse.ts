/**
 * A strict reader for the three small documents that clients send (CompleteMultipartUpload, Delete,
 * CreateBucketConfiguration). It knows elements, text, the five named entities and character references. A DTD, CDATA, a
 * processing instruction or a comment has no place in them and is refused, which also leaves nothing to expand.
 */
import { S3Error } from './errors.ts';

export interface XmlNode {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlNode[];
}

/** The root element, which must be called `rootName`. Throws MalformedXML. */
export function parseXml(source: string, rootName: string): XmlNode {
  let at = source.charCodeAt(0) === 0xfeff ? 1 : 0;
  const declaration = /^\s*<\?xml\s[^?<>]*\?>/.exec(source.slice(at, at + DECLARATION_CHARS_MAX));
  if (declaration) at += declaration[0].length;

  const tags = /<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
  const top: Open = { name: '', text: '', children: [] };
  const stack: Open[] = [top];
  while (at < source.length) {
    const next = source.indexOf('<', at);
    const text = source.slice(at, next === -1 ? source.length : next);
    const parent = stack.at(-1) ?? malformed();
    if (parent === top && text.trim() !== '') malformed();
    parent.text += decodeText(text);
    if (next === -1) break;

    tags.lastIndex = next;
    const [, slash, name = '', attributes = '', selfClosing] = tags.exec(source) ?? malformed();
    at = tags.lastIndex;
    if (slash) {
      if (selfClosing || attributes || stack.length === 1 || parent.name !== name) malformed();
      stack.pop();
      continue;
    }
    if (stack.length > DEPTH_MAX || (parent === top && top.children.length > 0)) malformed();
    const node: Open = { name, text: '', children: [] };
    parent.children.push(node);
    if (!selfClosing) stack.push(node);
  }
  const root = top.children[0];
  if (stack.length !== 1 || root?.name !== rootName) malformed();
  return root;
}

/** The text of the one child called `name`, or undefined. Throws MalformedXML when it is repeated. */
export function childText(node: XmlNode, name: string): string | undefined {
  const found = node.children.filter((child) => child.name === name);
  if (found.length > 1) malformed();
  return found[0]?.text;
}

export function malformed(message?: string): never {
  throw new S3Error('MalformedXML', message);
}

interface Open {
  readonly name: string;
  text: string;
  readonly children: Open[];
}

const DECLARATION_CHARS_MAX = 200;
/** root > Part > ETag is the deepest of them; one to spare. */
const DEPTH_MAX = 4;

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeText(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&([^;&]{0,12});?/g, (whole, body: string) => {
    if (!whole.endsWith(';')) malformed();
    const named = ENTITIES[body];
    if (named !== undefined) return named;
    const digits = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(body) ?? malformed();
    const point = digits[1] === undefined ? Number(digits[2]) : Number.parseInt(digits[1], 16);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) malformed();
    return String.fromCodePoint(point);
  });
}
