import { hash } from "node:crypto";
import { dirname } from "node:path";
import { canonicalHash } from "../lib/hash.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import { computedFields } from "./computed-fields.ts";
import { shownPath } from "./discover.ts";
import { enterInstructions } from "./instructions.ts";
import { CODE_BYTES_MAX, REFERENCED_BYTES_MAX } from "./limits.ts";
import type { LoadedDocument } from "./loaded.ts";
import type { ManifestObject } from "./objects.ts";
import { decode, isSha256, type ReadBytes, type ReadText, readBytes } from "./read.ts";
import { fileFieldsOf, resolveFile } from "./resolve-file.ts";

/** A file that an object names. */
export interface NamedFile {
  /** Its real path. */
  readonly file: string;
  readonly shown: string;
  /** SHA-256 of its bytes; undefined when they cannot be read. */
  digest(): string | undefined;
  read(): ReadText;
}

/** The files that the objects of one load name: each is found and read at most once, and what is told of it stays the same. */
export interface NamedFiles {
  /** Throws LEG1061 when the object may not name such a file, or it is not there. */
  find(object: ManifestObject, name: string): Promise<NamedFile>;
}

/** The named files of one load. `digests`: of files that are known not to need reading for that. */
export function namedFiles(cwd: string, digests: ReadonlyMap<string, string>): NamedFiles {
  const found = new Map<string, Promise<NamedFile>>();
  return {
    find(object, name) {
      const bytesMax = object.kind === "Tool" ? CODE_BYTES_MAX : REFERENCED_BYTES_MAX;
      const { file, root } = object.source;
      const key = JSON.stringify([dirname(file), root, name, bytesMax]);
      const known = found.get(key);
      if (known !== undefined) return known;
      const fresh = resolveFile(object, name).then((path) =>
        namedFile(path, shownPath(path, cwd), cwd, bytesMax, digests.get(path)),
      );
      found.set(key, fresh);
      return fresh;
    },
  };
}

function namedFile(
  file: string,
  shown: string,
  cwd: string,
  bytesMax: number,
  known: string | undefined,
): NamedFile {
  let content: ReadBytes | undefined;
  let digest = known !== undefined && isSha256(known) ? known : undefined;
  const load = (): ReadBytes => {
    content ??= readBytes(file, shown, cwd, bytesMax);
    return content;
  };
  return {
    file,
    shown,
    digest() {
      const read = digest === undefined ? load() : undefined;
      if (read?.ok === true) digest = hash("sha256", read.bytes);
      return digest;
    },
    read() {
      const read = load();
      return read.ok ? decode(read.bytes, file, shown, bytesMax) : read;
    },
  };
}

/** An object with what the files that it names add to it. */
export interface EnteredDocument {
  readonly document: LoadedDocument;
  /** SHA-256 of the files; undefined when there are none, or not all can be read. */
  readonly digest: string | undefined;
}

/**
 * Takes the content of the files that an object names into account: their SHA-256 becomes a field of its spec, so that
 * another content makes another spec. Only the file itself counts: what a module imports is not looked at. A file that
 * cannot be read adds nothing; the checks tell why.
 */
export async function enterFiles(
  document: LoadedDocument,
  files: NamedFiles,
  before: EnteredDocument | undefined,
): Promise<EnteredDocument> {
  const { object } = document;
  if (object?.kind === "Agent") return enterInstructions(document, files, before);
  if (object === undefined || !computedFields[object.kind].includes("contentDigest"))
    return { document, digest: undefined };
  const digest = await contentDigest(object, files);
  if (digest === undefined) return { document, digest };
  if (before?.digest === digest) return before;
  const spec: JsonObject = { ...jsonOf(object.spec), contentDigest: digest };
  const sent: JsonObject = { ...object.sent, contentDigest: digest };
  const entered = { ...object, spec, sent, specHash: canonicalHash(spec) };
  return { document: { ...document, object: entered as unknown as ManifestObject }, digest };
}

/** The SHA-256 of the one file that an object names. */
async function contentDigest(
  object: ManifestObject,
  files: NamedFiles,
): Promise<string | undefined> {
  const { kind, spec } = object;
  const [field] = fileFieldsOf({ kind, spec: jsonOf(spec) });
  if (field === undefined) return undefined;
  try {
    return (await files.find(object, field.name)).digest();
  } catch {
    return undefined;
  }
}

function jsonOf(spec: ManifestObject["spec"]): JsonObject {
  return spec as unknown as Json & JsonObject;
}
