import { LegionError, messageOf } from "../../lib/errors.ts";
import type { Json, JsonPath } from "../../lib/json.ts";
import type { Fault } from "../fault.ts";
import { instructionsFault } from "../instructions.ts";
import type { NamedFile } from "../named-files.ts";
import type { ManifestObject } from "../objects.ts";
import { repliesIn } from "../replies.ts";
import { type FileField, fileFieldsOf } from "../resolve-file.ts";
import { checkCodeFile } from "./code.ts";
import { type CheckContext, type Finding, faultAt } from "./context.ts";

/** The files that an object names are there, are text and stay below the root; lists of replies are valid. */
export async function checkFiles(object: ManifestObject, context: CheckContext): Promise<void> {
  const { kind, spec } = object;
  for (const field of fileFieldsOf({ kind, spec: spec as unknown as Json }))
    await checkFile(object, field, context);
}

/** How each certificate of a PEM file begins. */
const CERTIFICATE = "-----BEGIN CERTIFICATE-----";

function noCertificate(path: JsonPath, name: string): Finding {
  const summary = `file "${name}" holds no certificate`;
  const detail = `write certificates in PEM: text that begins with ${CERTIFICATE}`;
  return { code: "LEG1061", path, summary, detail };
}

const unreachable = { code: "LEG1061", hint: "check the path" } as const;

/** What is wrong with a file, as a finding at the field that names it. */
function ofFile(
  { code, summary, detail }: Pick<Fault, "code" | "summary" | "detail">,
  path: JsonPath,
  name: string,
): Finding {
  return { code, path, summary: `file "${name}": ${summary}`, detail };
}

async function checkFile(
  object: ManifestObject,
  { path, name }: FileField,
  context: CheckContext,
): Promise<void> {
  const { report, files, addText } = context;
  let named: NamedFile;
  try {
    named = await files.find(object, name);
  } catch (error) {
    const { code, hint } = error instanceof LegionError ? error : unreachable;
    report(faultAt(object, { code, path, summary: messageOf(error), detail: hint }));
    return;
  }
  const { file } = named;
  const read = named.read();
  if (path[1] === "repliesFrom") {
    const { faults, source } = read.ok
      ? repliesIn(file, read.source)
      : { faults: [read.fault], source: undefined };
    if (source !== undefined) addText(file, source);
    for (const fault of faults) report({ ...fault, blames: object.source });
  } else if (path[1] === "instructionsFrom") {
    const fault = instructionsFault(read);
    if (fault !== undefined) report(faultAt(object, ofFile(fault, path, name)));
  } else if (path[1] === "caFile" && read.ok) {
    if (!read.source.text.includes(CERTIFICATE)) report(faultAt(object, noCertificate(path, name)));
  } else if (read.ok) {
    const tool = object as ManifestObject<"Tool">;
    await checkCodeFile(tool, { path, name, file }, read.source, context);
  } else {
    report(faultAt(object, ofFile(read.fault, path, name)));
  }
}
