import { agentManifest, providerManifest } from "../testing/manifests.ts";

/** Files by path (undefined: it is not there), and what they declare: agent -> its description. */
export interface DeclaredSet {
  readonly files: Readonly<Record<string, string | undefined>>;
  readonly agents: ReadonlyMap<string, string>;
}

/** The two sets that a seed decides. The second one has every file of the first, so that writing it replaces the first. */
export interface SetPair {
  readonly a: DeclaredSet;
  readonly b: DeclaredSet;
}

/** Files of one agent each, and how many more are in one file together. */
const ALONE = 12;
const TOGETHER = 6;
const CREATED = 3;

/** Both sets: from the first to the second agents are made, changed, deleted and left as they are, and one gets another name. */
export function setsOf(seed: number): SetPair {
  const random = randomOf(seed);
  const names = Array.from({ length: ALONE + TOGETHER }, (_, index) => `agent-${index}`);
  const before = new Map(names.map((name) => [name, `First ${name} of ${seed}.`]));
  const after = new Map(before);
  // Some of every sort, whatever the seed, and by the seed which.
  const shuffled = names.toSorted(() => random() - 0.5);
  const [renamed = "", ...rest] = shuffled;
  const changed = rest.slice(0, 4 + Math.floor(random() * 4));
  const deleted = rest.slice(-2 - Math.floor(random() * 3));
  for (const name of changed) after.set(name, `Second ${name} of ${seed}.`);
  for (const name of [...deleted, renamed]) after.delete(name);
  after.set(`renamed-${seed}`, before.get(renamed) ?? "");
  const fileOf = (name: string) => {
    const index = names.indexOf(name === `renamed-${seed}` ? renamed : name);
    return index < ALONE && index >= 0 ? `one-${index}.yaml` : "many.yaml";
  };
  for (let index = 0; index < CREATED; index += 1) after.set(`new-${index}`, `New ${seed}.`);
  const files = new Set(names.map(fileOf));
  return { a: declared(before, fileOf, files), b: declared(after, fileOf, files) };
}

function declared(
  agents: ReadonlyMap<string, string>,
  fileOf: (name: string) => string,
  names: ReadonlySet<string>,
): DeclaredSet {
  const texts: Record<string, string | undefined> = Object.fromEntries(
    [...names].map((file) => [file, undefined]),
  );
  for (const [name, description] of agents) {
    const file = fileOf(name);
    texts[file] = (texts[file] ?? "") + agentManifest(name, { description });
  }
  return { agents, files: { "models.yaml": providerManifest(), ...texts } };
}

/** Numbers from 0 to 1 that a seed decides. */
function randomOf(seed: number): () => number {
  let state = seed * 7919;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}
