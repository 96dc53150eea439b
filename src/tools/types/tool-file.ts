import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { LegionError, messageOf } from "../../lib/errors.ts";
import { textHash } from "../../lib/hash.ts";
import { formatSize } from "../../lib/quantities.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import { resolveFile } from "../../manifest/resolve-file.ts";
import { createCodeMemory } from "./code-memory.ts";

/** The most bytes of a tool's code. */
const FILE_BYTES_MAX = 1024 * 1024;

/** Characters of code that are remembered. Like the modules that node keeps, they belong to the process. */
const MEMORY_MAX = 32 * 1024 * 1024;
const memory = createCodeMemory<ToolFile>(MEMORY_MAX);

export interface ToolFile {
  /** Real path. */
  readonly file: string;
  readonly content: string;
}

/**
 * The file that a Tool names. When it is not any more what was accepted with the Tool, and that is remembered, what was
 * accepted goes on: what is in the file now may be half written or wrong. LEG1061 when it is not a regular file inside the
 * manifest root, LEG4014 when it cannot be read.
 */
export async function readToolFile(tool: ManifestObject<"Tool">, given: string): Promise<ToolFile> {
  const { contentDigest } = tool.spec;
  const place = resolve(dirname(tool.source.file), given);
  const accepted = contentDigest && memory.find(place, contentDigest);
  try {
    const present = await readPresent(tool, given);
    const digest = textHash(present.content);
    if (accepted && digest !== contentDigest) return accepted;
    memory.keep(place, digest, present);
    return present;
  } catch (error) {
    if (accepted) return accepted;
    throw error;
  }
}

async function readPresent(tool: ManifestObject<"Tool">, given: string): Promise<ToolFile> {
  const file = await resolveFile(tool, given);
  try {
    return { file, content: await readRegular(file) };
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? messageOf(error);
    const message = `"${given}" of the tool "${tool.name}" cannot be read: ${reason}`;
    const hint = "name a source file that this user may read";
    throw new LegionError({ code: "LEG4014", message, hint }, error);
  }
}

/** The type was looked at when the path was resolved; not blocking is for a pipe that came since. */
async function readRegular(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = await handle.stat();
    if (size > FILE_BYTES_MAX) throw new Error(`it has more than ${formatSize(FILE_BYTES_MAX)}`);
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}
