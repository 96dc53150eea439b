import { textHash } from "../lib/hash.ts";
import type { CheckOptions } from "./checks/context.ts";
import type { LoadedDocument } from "./loaded.ts";
import { sentHash } from "./sent-hash.ts";

/** A set in which the checks found nothing, neither wrong nor doubtful. */
export interface CleanSet {
  /** Of all that the checks look at, but for files. */
  readonly hash: string;
  /** The digest of the set. */
  readonly digest: string;
}

/**
 * Hash of all that the checks of a set look at, but for the files that objects name: what the documents say, as it is written
 * where variables were replaced, and what is known of the builtins. Undefined when a document gives no object.
 */
export function checkedHash(
  documents: readonly LoadedDocument[],
  builtins: CheckOptions["builtins"],
): string | undefined {
  if (documents.length === 0) return undefined;
  const lines: unknown[] = [];
  for (const { object, isFixed, written } of documents) {
    if (object === undefined) return undefined;
    const { kind, namespace, name, labels, annotations, specHash } = object;
    const content = [sentHash(object), specHash, isFixed ? null : written];
    lines.push([kind, namespace, name, labels, annotations, content]);
  }
  return textHash(JSON.stringify([builtins, lines]));
}

/** Whether the checks of a document look at nothing but documents: the kinds that name files, each in its own way, look at those too. */
export function looksAtNoFile(
  { object, source }: LoadedDocument,
  named: ReadonlySet<LoadedDocument["source"]>,
): boolean {
  return object?.kind !== "Source" && !named.has(source);
}
