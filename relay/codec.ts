/** The language of one socket route: frames of the hub in its words, and its words as frames of a client. */
import { ClientFrame, type ServerFrame } from '#core/wire/socket.ts';
import type { TransferView } from '#core/wire/transfer.ts';

export interface Codec {
  /** Texts that tell the frame, in order; none when this language has no word for it. */
  encode(frame: ServerFrame): readonly string[];
  /** `null`: nothing that a client may say. */
  decode(text: string): ClientFrame | null;
}

/** `/ws`: one JSON object `{ event, data }` each. */
export const nativeCodec: Codec = {
  encode: (frame) => [textOf(frame)],
  decode: (text) => ClientFrame.safeParse(parseJson(text)).data ?? null,
};

/** `undefined` when it is not JSON, which no schema of ours takes. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A view goes to every viewer of its owner as one and the same object: it is written out once for all of them. */
const texts = new WeakMap<TransferView, string>();

function textOf(frame: ServerFrame): string {
  if (frame.event !== 'snapshot' && frame.event !== 'changes') return JSON.stringify(frame);
  const { transfers, ...rest } = frame.data;
  const head = JSON.stringify({ event: frame.event, data: rest }).slice(0, -'}}'.length);
  return `${head},"transfers":[${transfers.map(viewText).join(',')}]}}`;
}

function viewText(view: TransferView): string {
  const known = texts.get(view);
  if (known !== undefined) return known;
  const text = JSON.stringify(view);
  texts.set(view, text);
  return text;
}
