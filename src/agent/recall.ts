import { textHash } from "../lib/hash.ts";
import { byteLength } from "../lib/text.ts";
import type { HostReply } from "../sandbox/contract.ts";

/** How much text a session keeps for recall(); the oldest makes room for the newest. */
export const RECALL_BYTES_MAX = 16 * 2 ** 20;
const HANDLE_LENGTH = 8;

/** The whole texts of messages that were cut. */
export interface Recall {
  /** Keeps a text and returns the handle that recall() takes. */
  keep(text: string): string;
  /** Answers the guest's call of recall(handle). */
  answer(handle: unknown): HostReply;
}

/** An empty store of at most that many bytes of text. */
export function createRecall(bytesMax = RECALL_BYTES_MAX): Recall {
  const texts = new Map<string, string>();
  let bytes = 0;
  return {
    keep(text) {
      // Named by what it is: a run that goes on in another process finds it under the handle that its code knows.
      const handle = `m${textHash(text).slice(0, HANDLE_LENGTH)}`;
      if (texts.has(handle)) return handle;
      texts.set(handle, text);
      bytes += byteLength(text);
      for (const [oldest, old] of texts) {
        if (bytes <= bytesMax) break;
        texts.delete(oldest);
        bytes -= byteLength(old);
      }
      return handle;
    },
    answer(handle) {
      const text = typeof handle === "string" ? texts.get(handle) : undefined;
      return text === undefined ? unknownHandle(texts) : { ok: true, value: text };
    },
  };
}

function unknownHandle(texts: ReadonlyMap<string, string>): HostReply {
  const handles = [...texts.keys()].slice(-10).map((handle) => `"${handle}"`);
  const hint =
    handles.length === 0
      ? "nothing was cut, so there is nothing to recall"
      : `the handles are: ${handles.join(", ")}`;
  const message = "recall takes the handle of a text that was cut, as it stands in the message";
  return { ok: false, error: { name: "RecallError", code: "LEG2047", message, hint } };
}
