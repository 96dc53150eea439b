import { LegionError, unknownName } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { kindNames } from "../manifest/kinds.ts";
import { DEFAULT_NAMESPACE } from "../manifest/loaded.ts";
import type { ApiObject, ObjectPlane } from "../reconcile/contract.ts";
import type { ResourceKey } from "../state/resource.ts";

/** Short names, as kubectl has them; singular and plural need no row. */
const shortNames: Readonly<Record<string, string>> = {
  ag: "Agent",
  tl: "Tool",
  pv: "Provider",
  rt: "Router",
  wt: "Watcher",
  cr: "Cron",
  src: "Source",
};

/** What the words of a command name: all objects of some kinds, or single objects. */
export type Targets =
  | { readonly type: "kinds"; readonly kinds: readonly string[] }
  | { readonly type: "keys"; readonly keys: readonly ResourceKey[] };

export interface Scope {
  /** Of objects that are named; `default` unless given. */
  readonly namespace?: string | undefined;
  readonly allNamespaces?: boolean;
  /** As on the command line: `team=a,env!=prod`. */
  readonly selector?: string | undefined;
}

/** The kind of a word such as `agent`, `agents`, `ag` or `Agent`. Throws LEG7011. */
export function kindOf(word: string): string {
  const wanted = word.toLowerCase();
  const found =
    kindNames.find((kind) => wanted === kind.toLowerCase() || wanted === plural(kind)) ??
    kindNames.find((kind) => kind === shortNames[wanted]);
  if (found !== undefined) return found;
  const known = [...kindNames.map(plural), "all"];
  throw unknownName("LEG7011", "kind", word, known, suggest(word, known));
}

/** `Agent` -> `agents`. */
export function plural(kind: string): string {
  return `${kind.toLowerCase()}s`;
}

/** `agent/reviewer`, as people write an object. */
export function referenceText({ kind, name }: Pick<ResourceKey, "kind" | "name">): string {
  return `${kind.toLowerCase()}/${name}`;
}

/** `agent "reviewer"`, with its namespace where that is not the default one. */
export function objectTitle({ kind, namespace, name }: ResourceKey): string {
  const title = `${kind.toLowerCase()} "${name}"`;
  return namespace === DEFAULT_NAMESPACE ? title : `${title} in namespace ${namespace}`;
}

export function keyOfObject({ kind, metadata: { namespace, name } }: ApiObject): ResourceKey {
  return { kind, namespace, name };
}

/**
 * Reads `agents`, `agents,tools`, `all`, `agent/a tool/b` or `agent a b`. Throws LEG7017 for no words, LEG7011 for a kind
 * that does not exist, LEG7002 for a mixture of the forms.
 */
export function targetsOf(words: readonly string[], scope: Scope): Targets {
  const { namespace, allNamespaces, selector } = scope;
  const [first, ...names] = words;
  if (first === undefined || first === "") throw nothingNamed();
  const hasSlash = words.some((word) => word.includes("/"));
  if (!hasSlash && names.length === 0) return { type: "kinds", kinds: kindsOf(first) };
  if (allNamespaces === true) throw nameInAllNamespaces();
  if (selector !== undefined) throw namesAndSelector();
  const inNamespace = { namespace: namespace ?? DEFAULT_NAMESPACE };
  if (hasSlash) {
    return { type: "keys", keys: words.map((word) => ({ ...inNamespace, ...parted(word) })) };
  }
  const kind = kindOf(first);
  return { type: "keys", keys: names.map((name) => ({ kind, ...inNamespace, name })) };
}

/** The one object of `agent/a` or `agent a`. */
export function oneTarget(words: readonly string[], scope: Scope): ResourceKey {
  const targets = targetsOf(words, scope);
  const [key, second] = targets.type === "keys" ? targets.keys : [];
  if (key === undefined) throw nothingNamed(`legion needs a name after "${words[0]}"`);
  if (second === undefined) return key;
  throw new LegionError({
    code: "LEG7002",
    message: `only one object can be named here, not also "${referenceText(second)}"`,
    hint: "run the command once for each object",
  });
}

export interface Selection {
  readonly items: readonly ApiObject[];
  /** The store's version that a watch can go on from. */
  readonly version: number;
  /** An error for each name that does not exist. */
  readonly missing: readonly LegionError[];
}

/** The objects that are named, in the order of the words; of kinds those of the scope, in the order of kinds. */
export async function selectObjects(
  plane: ObjectPlane,
  targets: Targets,
  { namespace, allNamespaces, selector }: Scope,
): Promise<Selection> {
  if (targets.type === "keys") return namedObjects(plane, targets.keys);
  const within = allNamespaces === true ? {} : { namespace: namespace ?? DEFAULT_NAMESPACE };
  const lists = [];
  for (const kind of targets.kinds) {
    lists.push(await plane.list({ kind, ...within, ...(selector !== undefined && { selector }) }));
  }
  return {
    items: lists.flatMap(({ items }) => items),
    version: Math.min(...lists.map(({ version }) => version)),
    missing: [],
  };
}

/** The error for an object that does not exist, with the name that was probably meant. */
export async function notFound(plane: ObjectPlane, key: ResourceKey): Promise<LegionError> {
  const { kind, namespace, name } = key;
  const { items } = await plane.list({ kind, namespace });
  const elsewhere = (await plane.list({ kind, name })).items.map(keyOfObject);
  const names = items.map(({ metadata }) => metadata.name);
  const noun = kind.toLowerCase();
  const error = unknownName("LEG6030", noun, name, names, suggest(name, names));
  const isDefault = namespace === DEFAULT_NAMESPACE && elsewhere.length === 0;
  const hint = hintFor(key, elsewhere);
  return new LegionError({
    ...error.toJSON(),
    ...(!isDefault && { message: `${error.message} in namespace ${namespace}` }),
    ...(hint !== undefined && { hint }),
  });
}

/** Better than a name that looks alike: the same name elsewhere, or what is no object at all. */
function hintFor(
  { kind, name }: ResourceKey,
  elsewhere: readonly ResourceKey[],
): string | undefined {
  const [first] = elsewhere;
  if (first !== undefined)
    return `there is one in namespace ${first.namespace}: add -n ${first.namespace}`;
  if (kind === "Source" && name === "roots")
    return "the roots of a daemon are no object: legion status shows them, legion reconcile reads them anew";
  return undefined;
}

async function namedObjects(plane: ObjectPlane, keys: readonly ResourceKey[]): Promise<Selection> {
  const lists = [];
  for (const key of keys) lists.push({ key, ...(await plane.list(key)) });
  const missing: LegionError[] = [];
  for (const { key, items } of lists) {
    if (items.length === 0) missing.push(await notFound(plane, key));
  }
  return {
    items: lists.flatMap(({ items }) => items),
    version: Math.min(...lists.map(({ version }) => version)),
    missing,
  };
}

function kindsOf(word: string): readonly string[] {
  const words = word.split(",").filter((part) => part !== "");
  return words.some((part) => part.toLowerCase() === "all")
    ? kindNames
    : [...new Set(words.map((one) => (words.length === 1 ? kindAlone(one) : kindOf(one))))];
}

/** The kind of a word that stands alone. Whoever names no kind, nor one that looks alike, means an agent more often than not. */
function kindAlone(word: string): string {
  try {
    return kindOf(word);
  } catch (error) {
    if (!(error instanceof LegionError) || !error.hint.startsWith("use one of")) throw error;
    throw new LegionError({
      ...error.toJSON(),
      hint: `did you mean agent/${word}? ${capital(error.hint)}`,
    });
  }
}

function capital(text: string): string {
  return `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}`;
}

function parted(word: string): { readonly kind: string; readonly name: string } {
  const [kind = "", name = "", ...rest] = word.split("/");
  if (kind !== "" && name !== "" && rest.length === 0) return { kind: kindOf(kind), name };
  throw new LegionError({
    code: "LEG7002",
    message: `"${word}" does not name an object`,
    hint: "write every object as KIND/NAME, for example agent/assistant",
  });
}

function nothingNamed(message = "the command names no objects"): LegionError {
  return new LegionError({
    code: "LEG7017",
    message,
    hint: `write KIND, KIND/NAME or KIND NAME, for example agent/assistant; the kinds are ${kindNames.map(plural).join(", ")}`,
    valid: [...kindNames.map(plural), "all"],
  });
}

function namesAndSelector(): LegionError {
  return new LegionError({
    code: "LEG7001",
    message: "objects are named or selected by -l, not both",
    hint: "leave one of them out",
  });
}

function nameInAllNamespaces(): LegionError {
  return new LegionError({
    code: "LEG7020",
    message: "an object cannot be named in all namespaces at once",
    hint: "leave -A out, and give the namespace with -n",
  });
}
