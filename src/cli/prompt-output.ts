import { Writable } from "node:stream";

export type Terminal = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
};

/** The side of a terminal that shows the prompt and what is typed; while it is hidden, other output has the terminal to itself. */
export interface PromptOutput {
  readonly stream: Writable;
  isHidden: boolean;
  close(): void;
}

/** Line editors draw whenever a key is pressed or the window changes; what is drawn while hidden is left out. */
export function promptOutput(terminal: Terminal): PromptOutput {
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      if (!output.isHidden) terminal.write(chunk);
      done();
    },
  });
  Object.defineProperties(stream, {
    isTTY: { value: true },
    columns: { get: () => terminal.columns },
  });
  const onResize = () => {
    if (!output.isHidden) stream.emit("resize");
  };
  terminal.on("resize", onResize);
  const output: PromptOutput = {
    stream,
    isHidden: true,
    close: () => terminal.removeListener("resize", onResize),
  };
  return output;
}
