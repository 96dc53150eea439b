import { realpathSync } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { LegionError } from "../lib/errors.ts";
import { isObject, type Json, type JsonPath } from "../lib/json.ts";
import { isBelow } from "./discover.ts";
import type { LoadedDocument } from "./loaded.ts";
import type { ObjectSource } from "./objects.ts";
import { nounOf } from "./path-faults.ts";

/** The fields that name files, by kind. */
const fileFields: Readonly<Record<string, readonly JsonPath[]>> = {
  Tool: [
    ["spec", "module"],
    ["spec", "sourceFrom", "file"],
  ],
  Provider: [["spec", "repliesFrom", "file"]],
  Agent: [["spec", "instructionsFrom", "file"]],
  Watcher: [["spec", "caFile"]],
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

/** The files that documents name. */
export interface FileReferences {
  /** The documents that name files. */
  readonly named: ReadonlySet<LoadedDocument>;
  /** Absolute paths: these files are data, even where they look like manifests. As they are named, and the real ones. */
  readonly data: ReadonlySet<string>;
  /** The real paths, or, of files that are not there, the paths as they are named. */
  readonly followed: readonly string[];
}

/** Which files documents name, valid documents or not. */
export function referencesOf(documents: readonly LoadedDocument[]): FileReferences {
  const named = new Set<LoadedDocument>();
  const data = new Set<string>();
  const followed = new Set<string>();
  for (const document of documents) {
    for (const { name } of fileFieldsOf(document.value)) {
      const path = resolve(dirname(document.source.file), name);
      const real = realPathOf(path);
      named.add(document);
      data.add(path).add(real);
      followed.add(real);
    }
  }
  return { named, data, followed: [...followed].toSorted() };
}

function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

/**
 * The real path of a file that an object names, relative to the folder of its manifest. Throws LEG1061 when the file
 * does not exist, is not a regular file, or leaves the manifest root, by its path or by a link.
 */
export async function resolveFile(
  { source }: { readonly source: ObjectSource },
  name: string,
): Promise<string> {
  if (source.isRemote === true)
    throw new LegionError({
      code: "LEG1113",
      message: `the manifest came from ${source.shown} and names a file, "${name}"`,
      hint: "write the content into the manifest, or load it from a folder or a git repository",
    });
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
