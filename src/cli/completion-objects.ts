import { kindNames } from "../manifest/kinds.ts";
import type { ApiObject, ObjectQuery } from "../reconcile/contract.ts";
import { stateOf } from "./columns.ts";
import type { CommandContext } from "./context.ts";
import { type OpenPlane, openPlane } from "./plane.ts";
import { kindOf, plural, referenceText } from "./references.ts";

/** Somebody waits with a finger on the key. */
const PATIENCE_MS = 1_500;

export interface Candidate {
  readonly word: string;
  readonly remark?: string;
}

/** Kinds that some commands take and no other. */
const oneKinds = ["agent", "watcher", "cron"] as const;
export type OneKind = (typeof oneKinds)[number];

export interface ObjectWords {
  readonly before: readonly string[];
  readonly current: string;
  /** kinds: those of lists, `agents`. kind: those of one object, `agent`. reference: `agent/a`. agent, watcher, cron: of that kind only; of watchers and crons the name alone until a slash is typed. */
  readonly wanted: "kinds" | "kind" | "name" | "reference" | "namespace" | OneKind;
  /** The kind as it was typed. */
  readonly kind?: string;
}

/** Kinds, and the names of objects that the daemon or the state folder has. What cannot be asked gives none. */
export async function completeObjects(
  words: ObjectWords,
  context: CommandContext,
): Promise<readonly Candidate[]> {
  const { wanted, current } = words;
  if (wanted === "kinds")
    return [...kindNames.map(plural), "questions", "all"].map((word) => ({ word }));
  if (wanted === "kind") return kindNames.map((kind) => ({ word: kind.toLowerCase() }));
  const typedKind =
    oneKinds.find((kind) => kind === wanted) ??
    (wanted === "name" ? words.kind : current.split("/")[0]);
  const kind = kindIfKnown(typedKind ?? "");
  if (kind === undefined && (wanted === "name" || current.includes("/"))) return [];
  const objects = await objectsOf(words, wanted === "namespace" ? undefined : kind, context);
  if (wanted === "namespace") {
    const namespaces = new Set(objects.map(({ metadata }) => metadata.namespace));
    return [...namespaces].map((word) => ({ word }));
  }
  // As it was typed, `ag/` or `agents/`: the shell would take another spelling for another word.
  const prefix = current.includes("/") ? current.split("/")[0] : undefined;
  // Commands on watchers and crons take the name alone, which is what people type.
  const isOneKind = wanted === "watcher" || wanted === "cron";
  const isBare = wanted === "name" || (isOneKind && prefix === undefined);
  return objects.map((object) => {
    const { kind: itsKind, metadata } = object;
    const reference = referenceText({ kind: itsKind, name: metadata.name });
    const spelt = prefix === undefined ? reference : `${prefix}/${metadata.name}`;
    return { word: isBare ? metadata.name : spelt, remark: stateOf(object).reason };
  });
}

function objectsOf(
  { before, wanted }: ObjectWords,
  kind: string | undefined,
  context: CommandContext,
): Promise<readonly ApiObject[]> {
  const query: ObjectQuery = {
    ...(wanted !== "namespace" && { namespace: namespaceIn(before) }),
    ...(kind !== undefined && { kind }),
  };
  return askPlane(before, context, async ({ plane }) => (await plane.list(query)).items);
}

export function namespaceIn(before: readonly string[]): string {
  return flagValue(before, "-n", "--namespace") ?? "default";
}

/** What the plane says to which the words so far point; nothing when it cannot be asked, or takes too long. */
export async function askPlane<T>(
  before: readonly string[],
  context: CommandContext,
  question: (opened: OpenPlane) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const options = {
    stateDir: flagValue(before, "--state-dir") ?? context.env.LEGION_STATE_DIR,
    server: flagValue(before, "--server"),
    tokenFile: flagValue(before, "--token-file") ?? context.env.LEGION_TOKEN_FILE,
    quiet: true,
    access: "read",
  } as const;
  const ask = async () => {
    await using opened = await openPlane(context, options);
    return await question(opened);
  };
  let timer: NodeJS.Timeout | undefined;
  const impatience = new Promise<readonly T[]>((resolve) => {
    timer = setTimeout(() => resolve([]), PATIENCE_MS);
  });
  try {
    return await Promise.race([ask(), impatience]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}

function kindIfKnown(word: string): string | undefined {
  try {
    return kindOf(word);
  } catch {
    return undefined;
  }
}

function flagValue(words: readonly string[], ...flags: readonly string[]): string | undefined {
  const inline = words.find((word) => flags.some((flag) => word.startsWith(`${flag}=`)));
  if (inline !== undefined) return inline.slice(inline.indexOf("=") + 1);
  const at = words.findIndex((word) => flags.includes(word));
  return at === -1 ? undefined : words[at + 1];
}
