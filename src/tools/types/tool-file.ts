import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { LegionError, messageOf } from "../../lib/errors.ts";
import { formatSize } from "../../lib/quantities.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import { resolveFile } from "../../manifest/resolve-file.ts";

/** The most bytes of a tool's code. */
const FILE_BYTES_MAX = 1024 * 1024;

export interface ToolFile {
  /** Real path. */
  readonly file: string;
  readonly content: string;
}

/** The file that a Tool names. LEG1061 when it is not a regular file inside the manifest root, LEG4014 when it cannot be read. */
export async function readToolFile(tool: ManifestObject<"Tool">, given: string): Promise<ToolFile> {
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
