import { realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { LegionError } from "../lib/errors.ts";
import { isObject, type Json, type JsonPath } from "../lib/json.ts";
import { isBelow, nounOf } from "./discover.ts";
import type { LoadedDocument } from "./loaded.ts";
import type { ObjectSource } from "./objects.ts";

/** The fields that name files, by kind. */
const fileFields: Readonly<Record<string, readonly JsonPath[]>> = {
  Tool: [
    ["spec", "module"],
    ["spec", "sourceFrom", "file"],
  ],
  Provider: [["spec", "repliesFrom", "file"]],
};

/** A file that a manifest names. */
export interface FileField {
  readonly path: JsonPath;
  readonly name: string;
}

/** The fields of a document that name files, with what they say. */
export function fileFieldsOf(document: Json): readonly FileField[] {
  if (!isObject(document)) return [];
  return (fileFields[String(document.kind)] ?? []).flatMap((path) => {
    const name = at(document as Json, path);
    return typeof name === "string" ? [{ path, name }] : [];
  });
}

/** The absolute paths that a document names: data, even where they look like manifests. */
export function fileReferences({ value, source }: LoadedDocument): readonly string[] {
  return fileFieldsOf(value).map(({ name }) => resolve(dirname(source.file), name));
}

/**
 * The real path of a file that an object names, relative to the folder of its manifest. Throws LEG1061 when the file
 * does not exist, is not a regular file, or leaves the manifest root, by its path or by a link.
 */
export async function resolveFile(
  { source }: { readonly source: ObjectSource },
  name: string,
): Promise<string> {
  const path = resolve(dirname(source.file), name);
  let real: string;
  let root: string;
  try {
    [real, root] = await Promise.all([realpath(path), realpath(source.root)]);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw unusable(
      code === "ENOENT"
        ? `file "${name}" does not exist`
        : `file "${name}" cannot be reached (${code})`,
      "paths are relative to the folder of the manifest",
    );
  }
  if (!isBelow(real, root))
    throw unusable(
      `file "${name}" stands outside of the manifest root`,
      "put it below the folder that is loaded, or load the folder above",
    );
  const status = await stat(real);
  if (!status.isFile())
    throw unusable(`"${name}" is ${nounOf(status)}, not a regular file`, "name a regular file");
  return real;
}

function unusable(message: string, hint: string): LegionError {
  return new LegionError({ code: "LEG1061", message, hint });
}

function at(value: Json, path: JsonPath): Json | undefined {
  let here: Json | undefined = value;
  for (const step of path)
    here = isObject(here) && Object.hasOwn(here, step) ? (here[step] as Json) : undefined;
  return here;
}
