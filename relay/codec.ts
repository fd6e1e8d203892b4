/** The language of one socket route: frames of the hub in its words, and its words as frames of a client. */
import { ClientFrame, type ServerFrame } from '#core/wire/socket.ts';

export interface Codec {
  /** Texts that tell the frame, in order; none when this language has no word for it. */
  encode(frame: ServerFrame): readonly string[];
  /** `null`: nothing that a client may say. */
  decode(text: string): ClientFrame | null;
}

/** `/ws`: one JSON object `{ event, data }` each. */
export const nativeCodec: Codec = {
  encode: (frame) => [JSON.stringify(frame)],
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
