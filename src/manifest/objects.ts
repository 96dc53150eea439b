import type { JsonObject, JsonPath } from "../lib/json.ts";
import type { Diagnostic, Range } from "./diagnostics.ts";
import type { AgentSpec } from "./generated/agent.ts";
import type { CronSpec } from "./generated/cron.ts";
import type { ProviderSpec } from "./generated/provider.ts";
import type { RouterSpec } from "./generated/router.ts";
import type { SourceSpec } from "./generated/source.ts";
import type { ToolSpec } from "./generated/tool.ts";
import type { WatcherSpec } from "./generated/watcher.ts";
import type { Layers } from "./overlays/layers.ts";

/** The spec of each kind, defaults filled in. */
export interface Specs {
  Source: SourceSpec;
  Agent: AgentSpec;
  Tool: ToolSpec;
  Provider: ProviderSpec;
  Router: RouterSpec;
  Watcher: WatcherSpec;
  Cron: CronSpec;
}

export type Kind = keyof Specs;

/** Where an object stands: the file, its place among the file's documents, and the root it may not leave. */
export interface ObjectSource {
  /** Absolute path of the file. */
  readonly file: string;
  /** The path as people write it, relative to the working folder where it is below it; what diagnostics show. */
  readonly shown: string;
  /** Zero-based index of the YAML document within the file. */
  readonly document: number;
  /** Absolute path of the manifest root: file references cannot leave it. */
  readonly root: string;
  /** It came from another machine, and may name no files of this one. */
  readonly isRemote?: boolean;
  /** What overlays and --set laid over the manifest. */
  readonly over?: Layers;
}

/** One valid, resolved object of a manifest set. */
export interface ManifestObject<K extends Kind = Kind> {
  readonly kind: K;
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Specs[K];
  /** The spec as it is written, variables replaced, defaults not filled in. It shares its parts with `spec`. */
  readonly sent: JsonObject;
  readonly source: ObjectSource;
  /** canonicalHash of the spec: changes exactly when the spec does. */
  readonly specHash: string;
}

/** What a document declares, although something is wrong with it. */
export interface InvalidObject {
  readonly declares: {
    readonly kind: Kind;
    readonly namespace: string;
    readonly name: string;
  };
  readonly source: ObjectSource;
  /** The errors that are why. */
  readonly diagnostics: readonly Diagnostic[];
  /** What it would be, where its fields are valid by themselves: for those who only look at it. */
  readonly object?: ManifestObject;
}

/** A file that is there and does not tell, or not wholly, what it declares. A folder stands for all below it. */
export interface UnclearFile {
  /** Absolute path. */
  readonly file: string;
  readonly shown: string;
  /** The errors that are why; empty for a file in which no manifest is, which may always have been so. */
  readonly diagnostics: readonly Diagnostic[];
}

/** What loading gives: the valid objects, and everything that is wrong or doubtful, sorted by file and position. */
export interface ManifestSet {
  readonly objects: readonly ManifestObject[];
  readonly diagnostics: readonly Diagnostic[];
  /** How many files were read. */
  readonly files: number;
  /** Declared, but not valid; without those that another document declares and that are valid there. Sorted like the objects. */
  readonly invalid: readonly InvalidObject[];
  /** Absolute paths of files of which it is not known, or not wholly, what they declare: not readable, or not to be understood. A folder that cannot be searched stands for all below it. */
  readonly unread: readonly string[];
  /** Those of `unread`, and the files in which no manifest is: what one of them declared before is perhaps away for a moment only. */
  readonly unclear: readonly UnclearFile[];
  /** Absolute paths of the files that objects name: their content counts too. Real ones, where the file is there. */
  readonly followed: readonly string[];
  /** SHA-256 of all objects: kind, namespace, name, labels, annotations, spec. Order, files, comments and key order do not count. */
  readonly digest: string;
  /** The object of that kind and name in the default namespace. */
  get<K extends Kind>(kind: K, name: string): ManifestObject<K> | undefined;
  /** All objects of a kind, sorted by name. */
  all<K extends Kind>(kind: K): readonly ManifestObject<K>[];
  /** Where a field of an object stands in its file; parses the file again, so call it for messages only. */
  locate(object: ManifestObject, path: JsonPath): Range | undefined;
}
