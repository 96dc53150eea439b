import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { headBytes } from "../../lib/text.ts";
import type { Redact } from "./redact.ts";

/** The most of a foreign error's message that a reader gets. */
const MESSAGE_BYTES_MAX = 2_000;

/** Where Legion itself is installed: paths below it say nothing to a reader. */
const installed = path.resolve(fileURLToPath(new URL("../../../", import.meta.url)));

/**
 * What a model may read of anything that a tool's code threw: its message, no stack, no place on the host.
 * Never throws, whatever the value does when it is looked at. `redact` sees the text before it is cut: half a secret is not found.
 */
export function publicMessage(error: unknown, redact: Redact = (text) => text): string {
  let text: string;
  try {
    const message: unknown =
      typeof error === "object" && error !== null && "message" in error ? error.message : error;
    text = typeof message === "string" ? message : String(message);
  } catch {
    text = "an error without a message";
  }
  // Stack lines that someone put into the message.
  const lines = redact(text)
    .split("\n")
    .filter((line) => !/^\s+at .*[(:]/.test(line));
  return (
    headBytes(withoutHostPaths(lines.join("\n").trim()), MESSAGE_BYTES_MAX) ||
    "an error without a message"
  );
}

/** The text with paths below the working folder made relative, and those below the home folder or Legion itself cut short. */
export function withoutHostPaths(text: string): string {
  return hostFolders().reduce(
    (shown, folder) => shown.replaceAll(folder, (_, separator) => (separator ? "" : ".")),
    text.replaceAll(/file:\/\/(?=\/)/g, ""),
  );
}

/** Each folder with the separator after it, or at the end of a name: `/root` is not the beginning of `/rooted`. */
function hostFolders(): RegExp[] {
  const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return [process.cwd(), installed, homedir()]
    .filter((folder) => folder.length > 1)
    .map((folder) => new RegExp(`${escaped(folder)}(?:(${escaped(path.sep)})|(?![\\w.-]))`, "g"));
}
