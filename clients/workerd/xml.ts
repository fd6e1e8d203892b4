/** XML as stores answer it, without a library: elements and texts, no attributes. */

/**
 * What is in the root element: a text, or an object by the names of the elements, with an array where one repeats. An empty element is
 * an empty text. Throws an Error for what is not well-formed or deeper than 32.
 */
export function readXml(xml: string): unknown {
  const top: Element = { name: '', text: '', children: Object.create(null) };
  const open: Element[] = [top];
  const token = new RegExp(TOKEN);
  while (token.lastIndex < xml.length) {
    const found = token.exec(xml);
    const within = open.at(-1);
    if (found === null || within === undefined) throw malformed();
    const [, plain, literal, closed, opened, isEmpty] = found;
    if (plain !== undefined) within.text += unescaped(plain);
    if (literal !== undefined) within.text += literal;
    if (opened !== undefined) open.push({ name: opened, text: '', children: Object.create(null) });
    if (closed !== undefined && within.name !== closed) throw malformed();
    if (closed !== undefined || isEmpty !== undefined) close(open);
    if (open.length > DEPTH_MAX) throw malformed();
  }
  const [root, ...others] = Object.values(top.children);
  if (open.length !== 1 || root === undefined || others.length > 0) throw malformed();
  return root;
}

interface Element {
  readonly name: string;
  text: string;
  readonly children: Record<string, unknown>;
}

const DEPTH_MAX = 32;

/** Text, CDATA, an end, a beginning with its attributes, and what is passed over; one after the other, with nothing between. */
const TOKEN =
  /([^<]+)|<!\[CDATA\[([\s\S]*?)\]\]>|<\/([\w:.-]+)\s*>|<([\w:.-]+)(?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*(\/)?>|<\?[\s\S]*?\?>|<!--[\s\S]*?-->/y;

function close(open: Element[]): void {
  const [element, parent] = [open.pop(), open.at(-1)];
  if (element === undefined || parent === undefined) throw malformed();
  const { name, text, children } = element;
  const isText = Object.keys(children).length === 0;
  const value = isText ? (text.trim() === '' ? '' : text) : children;
  const before = parent.children[name];
  if (before === undefined) parent.children[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else parent.children[name] = [before, value];
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));?/gi, (_, hex, decimal, name) => {
    if (name === undefined) return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
    const sign = ENTITIES[name];
    if (sign === undefined) throw malformed();
    return sign;
  });
}

function malformed(): Error {
  return new Error('the answer is not well-formed XML');
}
