import { canonicalHash } from "../lib/hash.ts";
import type { JsonObject } from "../lib/json.ts";
import { formatSize } from "../lib/quantities.ts";
import { byteLength } from "../lib/text.ts";
import type { Fault } from "./fault.ts";
import { INSTRUCTIONS_BYTES_MAX } from "./limits.ts";
import type { LoadedDocument } from "./loaded.ts";
import type { EnteredDocument, NamedFiles } from "./named-files.ts";
import type { ManifestObject } from "./objects.ts";
import type { ReadText } from "./read.ts";

/** An Agent whose instructions are a text, in place of the name of the file that holds it. */
export function withInstructions(document: LoadedDocument, text: string): LoadedDocument {
  const { object } = document;
  if (object === undefined) return document;
  const enter = ({ instructionsFrom, ...rest }: JsonObject): JsonObject => ({
    ...rest,
    instructions: text,
  });
  const spec = enter(object.spec as unknown as JsonObject);
  const sent = enter(object.sent);
  const entered = { ...object, spec, sent, specHash: canonicalHash(spec) };
  return { ...document, object: entered as unknown as ManifestObject };
}

/** An Agent with the instructions of the file that it names; as it is when the file cannot be used, which the checks tell. */
export async function enterInstructions(
  document: LoadedDocument,
  files: NamedFiles,
  before: EnteredDocument | undefined,
): Promise<EnteredDocument> {
  const object = document.object as ManifestObject<"Agent">;
  const name = object.spec.instructionsFrom?.file;
  if (name === undefined) return { document, digest: undefined };
  try {
    const file = await files.find(object, name);
    const digest = file.digest();
    if (digest !== undefined && before?.digest === digest) return before;
    const read = file.read();
    if (!read.ok || instructionsFault(read) !== undefined) return { document, digest: undefined };
    const text = read.source.text.replaceAll("\r\n", "\n").trimEnd();
    return { document: withInstructions(document, text), digest };
  } catch {
    return { document, digest: undefined };
  }
}

/** Why a file cannot be the instructions of an agent. */
export function instructionsFault(
  read: ReadText,
): Pick<Fault, "code" | "summary" | "detail"> | undefined {
  if (!read.ok) return read.fault;
  const bytes = byteLength(read.source.text);
  if (bytes <= INSTRUCTIONS_BYTES_MAX) return undefined;
  const most = formatSize(INSTRUCTIONS_BYTES_MAX);
  const summary = `it has ${formatSize(bytes)}, more than the ${most} that instructions may have`;
  return { code: "LEG1004", summary, detail: "shorten it, or give the agent a tool to read it" };
}
