/** One event of a stream. */
export interface Frame {
  readonly data: string;
  readonly event?: string | undefined;
  /** The body ended before the blank line that closes the frame: it may be cut. */
  readonly open: boolean;
}

/** The frames of a stream of server-sent events, those of one piece of text together; comments are skipped. */
export async function* sseFrames(
  pieces: AsyncIterable<string>,
): AsyncGenerator<readonly Frame[], void, undefined> {
  const { createParser } = await import("eventsource-parser");
  let frames: Frame[] = [];
  let open = false;
  const parser = createParser({ onEvent: ({ data, event }) => frames.push({ data, event, open }) });
  for await (const piece of pieces) {
    parser.feed(piece);
    if (frames.length === 0) continue;
    yield frames;
    frames = [];
  }
  open = true;
  parser.feed("\n\n");
  yield frames;
}
