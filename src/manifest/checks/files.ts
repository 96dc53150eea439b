import { LegionError, messageOf } from "../../lib/errors.ts";
import type { Json } from "../../lib/json.ts";
import { shownPath } from "../discover.ts";
import { CODE_BYTES_MAX } from "../limits.ts";
import type { ManifestObject } from "../objects.ts";
import { readText } from "../read.ts";
import { readReplies } from "../replies.ts";
import { type FileField, fileFieldsOf, resolveFile } from "../resolve-file.ts";
import { checkCodeFile } from "./code.ts";
import { type CheckContext, faultAt } from "./context.ts";

/** The files that an object names are there, are text and stay below the root; lists of replies are valid. */
export async function checkFiles(object: ManifestObject, context: CheckContext): Promise<void> {
  const { kind, spec } = object;
  for (const field of fileFieldsOf({ kind, spec: spec as unknown as Json }))
    await checkFile(object, field, context);
}

async function checkFile(
  object: ManifestObject,
  { path, name }: FileField,
  context: CheckContext,
): Promise<void> {
  const { report, options, addText } = context;
  let file: string;
  try {
    file = await resolveFile(object, name);
  } catch (error) {
    const detail = error instanceof LegionError ? error.hint : "check the path";
    report(faultAt(object, { code: "LEG1061", path, summary: messageOf(error), detail }));
    return;
  }
  const shown = shownPath(file, options.cwd);
  if (path[1] !== "repliesFrom") {
    const read = await readText(file, shown, options.cwd, CODE_BYTES_MAX);
    if (read.ok) {
      await checkCodeFile(
        object as ManifestObject<"Tool">,
        { path, name, file },
        read.source,
        context,
      );
    } else {
      const { code, summary, detail } = read.fault;
      report(faultAt(object, { code, path, summary: `file "${name}": ${summary}`, detail }));
    }
    return;
  }
  const { faults, source } = await readReplies(file, shown, options.cwd);
  if (source !== undefined) addText(file, source);
  for (const fault of faults) report({ ...fault, blames: object.source });
}
