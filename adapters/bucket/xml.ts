/** Writes the XML documents that the protocol answers. Content is text or nested elements; attributes are the namespace only. */

export type XmlContent = string | number | boolean | readonly XmlElement[];
export type XmlElement = readonly [name: string, content: XmlContent];

/** A whole document with the S3 namespace on its root. */
export function xmlDocument(root: string, content: XmlContent): string {
  return `${HEAD}<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner(content)}</${root}>`;
}

/** The error document, which has no namespace. */
export function errorDocument(children: readonly XmlElement[]): string {
  return `${HEAD}<Error>${children.map(element).join('')}</Error>`;
}

/** Zero or one element: absent values leave no trace in the document. */
export function optional(name: string, content: XmlContent | undefined): readonly XmlElement[] {
  return content === undefined ? [] : [[name, content]];
}

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';

function element([name, content]: XmlElement): string {
  return `<${name}>${inner(content)}</${name}>`;
}

function inner(content: XmlContent): string {
  return typeof content === 'object' ? content.map(element).join('') : escapeText(String(content));
}

// Control characters are no XML 1.0 text at all, not even as references. AWS sends the reference all the same and
// offers encoding-type=url for such keys; a raw CR would silently become LF in every parser.
function escapeText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is looked for.
  return text.replace(/[&<>"\u0000-\u0008\u000b\u000c\u000d-\u001f\ufffe\uffff]/g, (character) => {
    const named = NAMED[character];
    return named ?? `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`;
  });
}

const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
