import type { ErrorCode } from "../../lib/codes.ts";
import type { JsonPath, JsonSchema } from "../../lib/json.ts";
import { suggest } from "../../lib/suggest.ts";
import type { CodeReader } from "../code/reader.ts";
import type { Fault, Report, Where } from "../fault.ts";
import type { LoadedDocument } from "../loaded.ts";
import type { NamedFiles } from "../named-files.ts";
import type { Kind, ManifestObject } from "../objects.ts";
import { placed } from "../overlays/layers.ts";
import type { SourceText } from "../source-text.ts";
import type { Answer, CheckMemory } from "./memory.ts";

/** What the checks need to know of the rest of Legion. */
export interface CheckOptions {
  /** What relative paths are relative to, and shown relative to. */
  readonly cwd: string;
  /** The builtins by name; what is said of one that is not listed is not checked. */
  readonly builtins?: Readonly<Record<string, BuiltinFacts>>;
}

/** What manifests may say of a builtin tool. */
export interface BuiltinFacts {
  /** Names. */
  readonly functions: readonly string[];
  /** Those of them that need a person. */
  readonly withPeople?: readonly string[];
  /** Of spec.config. */
  readonly config: JsonSchema;
}

/** The set that is checked. References hold within a namespace. */
export interface CheckContext {
  readonly options: CheckOptions;
  readonly report: Report;
  /** Looks at the code of tools. */
  readonly code: CodeReader;
  /** The files that objects name. */
  readonly files: NamedFiles;
  /** Makes the text of a file that is no manifest known, for the places of faults in it. */
  readonly addText: (file: string, source: SourceText) => void;
  /** The document that declares an object first, valid or not: what is there but not valid is not reported as missing too. */
  find(kind: Kind, namespace: string, name: string): LoadedDocument | undefined;
  /** The object, when it is there and valid. */
  object<K extends Kind>(kind: K, namespace: string, name: string): ManifestObject<K> | undefined;
  /** The namespaces that declare an object of that name. */
  namespacesOf(kind: Kind, name: string): readonly string[];
  /** All that a namespace declares of a kind. */
  all(kind: Kind, namespace: string): readonly LoadedDocument[];
  /** Whether an object is one of those that are checked. */
  isChecked(object: ManifestObject): boolean;
}

/** The documents to check, and what the checks ask. */
export interface CheckInput {
  readonly documents: readonly LoadedDocument[];
  /** Documents that references may name, and that are not checked. */
  readonly existing: readonly LoadedDocument[];
  readonly files: NamedFiles;
  readonly options: CheckOptions;
  readonly memory: CheckMemory;
  /** Given where nothing was found in the very same documents before: which of them need not be looked at again. */
  readonly isClean?: ((document: LoadedDocument) => boolean) | undefined;
}

/** A context that knows what it is asked. */
export interface ListeningContext extends CheckContext {
  /** Begins another list of what is asked. */
  listen(): readonly Answer[];
  /** Whether the set would still give these answers. */
  stillHolds(answers: readonly Answer[] | undefined): boolean;
}

/** The indexes over a set that the checks ask. */
export function contextOf(
  { documents, existing, files, options, memory }: CheckInput,
  report: Report,
  code: CodeReader,
  addText: CheckContext["addText"],
): ListeningContext {
  const index = memory.enter([...documents, ...existing]);
  let answers: Answer[] = [];
  const find = (kind: Kind, namespace: string, name: string) => {
    const cell = index.document({ kind, namespace, name });
    answers.push({ cell, answer: cell.value });
    return cell.value;
  };
  const others = new Set(existing.map(({ object }) => object));
  return {
    options,
    report,
    code,
    files,
    addText,
    find,
    object: <K extends Kind>(kind: K, namespace: string, name: string) =>
      find(kind, namespace, name)?.object as ManifestObject<K> | undefined,
    namespacesOf: (kind, name) =>
      [...index.namespaces()].filter((namespace) => find(kind, namespace, name) !== undefined),
    all(kind, namespace) {
      const cell = index.group({ kind, namespace });
      answers.push({ cell, answer: cell.value });
      return cell.value ?? [];
    },
    isChecked: (object) => !others.has(object),
    listen() {
      answers = [];
      return answers;
    },
    stillHolds: (known) => known?.every(({ cell, answer }) => cell.value === answer) ?? false,
  };
}

/** One thing that a check found in a document. */
export interface Finding {
  readonly code: ErrorCode;
  readonly path: JsonPath;
  readonly summary: string;
  readonly detail: Fault["detail"];
  readonly part?: "key" | "value";
  readonly words?: string;
  readonly inside?: { readonly start: number; readonly end: number };
  readonly severity?: Fault["severity"];
  readonly isSecret?: boolean;
}

/** A finding as a fault of the document that it stands in. */
export function faultAt(
  { source }: Pick<LoadedDocument | ManifestObject, "source">,
  finding: Finding,
): Fault {
  const {
    code,
    path,
    summary,
    detail,
    part = "value",
    words,
    inside,
    severity = "error",
    isSecret = false,
  } = finding;
  const { file, shown, document } = source;
  const spot = {
    document,
    path,
    part,
    ...(words !== undefined && { words }),
    ...(inside && { inside }),
  };
  return placed(source, { severity, code, summary, detail, file, shown, spot, isSecret });
}

/** How many names a message lists. */
const LISTED_MAX = 20;

/** `use one of: a, b`; what to say when there is none. */
export function listOf(names: readonly string[], none: string): string {
  if (names.length === 0) return none;
  const rest = names.length - LISTED_MAX;
  return `use one of: ${names.toSorted().slice(0, LISTED_MAX).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** The next step for a name that is not there: the near one with its place, or the list of those there are, `except` one that cannot be meant. */
export function nameHint(
  kind: Kind,
  namespace: string,
  name: string,
  context: CheckContext,
  except?: string,
): (where: Where) => string {
  return (where) => {
    const names = context
      .all(kind, namespace)
      .flatMap(({ declares }) => declares?.name ?? [])
      .filter((known) => known !== except);
    const near = suggest(name, names);
    const document = near === undefined ? undefined : context.find(kind, namespace, near);
    const [elsewhere] = context.namespacesOf(kind, name);
    if (elsewhere !== undefined)
      return `it is in namespace "${elsewhere}": references hold within a namespace only`;
    if (document === undefined)
      return listOf(
        names,
        `no ${except === undefined ? "" : "other "}${kind} is loaded in namespace "${namespace}": add one, or load its folder too`,
      );
    const { file, document: index } = document.source;
    return `did you mean "${near}" (${where(file, { document: index, path: ["metadata", "name"], part: "value" })})?`;
  };
}
