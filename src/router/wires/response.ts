import { formatSize } from "../../lib/quantities.ts";
import { failure, WireFailure } from "../failures.ts";

/** A response with its body still to be read. */
export interface Incoming {
  readonly provider: string;
  readonly response: Response;
  readonly maxBytes: number;
}

/** For how long the end of a response is waited for whose answer is whole, so that its connection can be used again. */
const DRAIN_MS = 20;

/**
 * The body as text, piece by piece; `note` sees each of them before. Throws a WireFailure when it is too large or not UTF-8.
 * Left early with `ended.done`, the connection survives.
 */
export async function* bodyText(
  { provider, response, maxBytes }: Incoming,
  ended: { done: boolean },
  note: (piece: string) => void,
): AsyncGenerator<string, void, undefined> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (bytes: Uint8Array | undefined) => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw new WireFailure(
        failure("notAnAnswer", `the response of ${provider} is not valid UTF-8`),
      );
    }
  };
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      if (bytes > maxBytes)
        throw new WireFailure(
          failure("tooLarge", `the response of ${provider} is larger than ${formatSize(maxBytes)}`),
        );
      const text = decode(value);
      if (text === "") continue;
      note(text);
      yield text;
    }
    yield decode(undefined);
  } finally {
    await letGo(reader, ended.done);
  }
}

/** Lets the connection be used again where the answer is whole and its rest comes at once; closes it otherwise. */
async function letGo(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  whole: boolean,
): Promise<void> {
  const cancel = () => {
    reader.cancel().catch(() => undefined);
  };
  if (!whole) {
    cancel();
    return;
  }
  const timer = setTimeout(cancel, DRAIN_MS);
  try {
    while (!(await reader.read()).done);
  } catch {
    // A connection that breaks now has nothing left to lose.
  } finally {
    clearTimeout(timer);
  }
}

/** The beginning of a body, at most `maxCharacters` of it, whatever happens to the rest: for errors. Never throws. */
export async function bodyHead(incoming: Incoming, maxCharacters: number): Promise<string> {
  let head = "";
  try {
    for await (const text of bodyText(incoming, { done: false }, () => undefined)) {
      head += text;
      if (head.length >= maxCharacters) break;
    }
  } catch {
    // The status says enough when the body cannot be read.
  }
  return head.slice(0, maxCharacters);
}
